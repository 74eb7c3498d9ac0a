package content

import (
	"crypto/md5" //nolint:gosec // flytekit's algorithm
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// copied is flytekit's digest of the entries of copy: of a folder all
// files, of a file that file. One that is not there is left out.
//
// flytekit takes the folders of a folder in the order in which the file system
// lists them, so that its tag of a folder with several is another on another
// disk; here they are sorted.
func copied(context fs.FS, names []string) (string, error) {
	h := md5.New() //nolint:gosec // flytekit's algorithm
	for _, name := range names {
		info, err := fs.Stat(context, path.Clean(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if !info.IsDir() {
			// basename of "a/" is empty in Python
			if err := addFile(h, context, name, name[strings.LastIndex(name, "/")+1:]); err != nil {
				return "", err
			}
			continue
		}
		files, err := walk(context, path.Clean(name))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if err := addFile(h, context, file, below(path.Clean(name), file)); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// source is flytekit's digest of the files below source_root that are
// not ignored, in the order of their paths.
func source(context fs.FS, root string) (string, error) {
	clean := path.Clean(root)
	ignored, err := readDockerignore(context, clean)
	if err != nil {
		return "", err
	}
	files, err := walk(context, clean)
	if err != nil {
		return "", err
	}
	h := md5.New() //nolint:gosec // flytekit's algorithm
	slices.Sort(files)
	for _, file := range files {
		// flytekit asks its ignore files about the path as os.walk gives it,
		// with source_root before it.
		rel := below(clean, file)
		walked := strings.TrimSuffix(root, "/") + "/" + rel
		if underGit(rel) || standardIgnored(walked) || ignored.match(walked) {
			continue
		}
		if err := addFile(h, context, file, rel); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// below gives a path relative to the folder that it is in.
func below(dir, file string) string {
	if dir == "." {
		return file
	}
	return strings.TrimPrefix(file, dir+"/")
}

// addFile adds a file's content and its path without separators.
func addFile(h hash.Hash, context fs.FS, name, rel string) error {
	f, err := context.Open(path.Clean(name))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	_, err = io.WriteString(h, strings.ReplaceAll(rel, "/", ""))
	return err
}

// walk lists the files below a folder, those of a folder before those of its
// folders. Symbolic links count as what they lead to, but folders are not
// entered through them; what is no file is left out.
func walk(context fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(context, dir)
	if err != nil {
		return nil, err
	}
	var files, dirs []string
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			dirs = append(dirs, name)
			continue
		}
		info, err := fs.Stat(context, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link to nowhere
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	for _, sub := range dirs {
		more, err := walk(context, sub)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return files, nil
}

// underGit reports whether a file belongs to git itself.
func underGit(rel string) bool {
	return slices.Contains(strings.Split(path.Dir(rel), "/"), ".git")
}

// standardIgnored are the patterns that flytekit always ignores, by fnmatch,
// whose * matches slashes: *.pyc .cache .cache/* __pycache__/* **/__pycache__/*
func standardIgnored(name string) bool {
	return strings.HasSuffix(name, ".pyc") || name == ".cache" || strings.HasPrefix(name, ".cache/") ||
		strings.HasPrefix(name, "__pycache__/") || strings.Contains(name, "/__pycache__/")
}

// pattern is a line of a .dockerignore.
type pattern struct {
	negative bool
	depth    int // path elements
	regexp   *regexp.Regexp
}

// patterns is a .dockerignore as docker-py reads it, which is not quite as
// Docker does: case does not count.
type patterns []pattern

// readDockerignore reads the .dockerignore of a folder, if there is one.
func readDockerignore(context fs.FS, dir string) (patterns, error) {
	data, err := fs.ReadFile(context, path.Join(dir, ".dockerignore"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all patterns
	for line := range strings.Lines(string(data) + "\n!.dockerignore") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSpace(line)
		negative := strings.HasPrefix(line, "!")
		parts := cleanPattern(strings.TrimPrefix(line, "!"))
		if len(parts) == 0 {
			continue
		}
		re, err := translate(strings.ToLower(strings.Join(parts, "/")))
		if err != nil {
			return nil, err
		}
		all = append(all, pattern{negative, len(parts), re})
	}
	return all, nil
}

// cleanPattern splits a pattern and drops what does not count.
func cleanPattern(p string) []string {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimSpace(p), "/") {
		switch {
		case part == "" || part == ".":
		case part != "..":
			parts = append(parts, part)
		case len(parts) > 0:
			parts = parts[:len(parts)-1]
		}
	}
	return parts
}

// match reports whether a path, or a folder that it is in, is ignored.
func (all patterns) match(name string) bool {
	name = strings.ToLower(name)
	parent := cleanParent(name)
	ignored := false
	for _, p := range all {
		if p.regexp.MatchString(name) || len(parent) > 0 && p.depth <= len(parent) && p.regexp.MatchString(strings.Join(parent[:p.depth], "/")) {
			ignored = !p.negative
		}
	}
	return ignored
}

// cleanParent gives the folders that a file is in.
func cleanParent(name string) []string {
	var dirs []string
	dir := name[:max(strings.LastIndex(name, "/"), 0)] // as written: "a/../b" has three
	for part := range strings.SplitSeq(dir, "/") {
		if part != "" && part != "." {
			dirs = append(dirs, part)
		}
	}
	return dirs
}

// translate makes a regular expression of a pattern. There is no way to quote
// a character in one.
func translate(p string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for p != "" {
		switch {
		case p == "**" || p == "**/":
			b.WriteString(`.*`)
			p = ""
		case strings.HasPrefix(p, "**"):
			b.WriteString(`(.*/)?`)
			p = strings.TrimPrefix(p[2:], "/")
		case p[0] == '*':
			b.WriteString(`[^/]*`)
			p = p[1:]
		case p[0] == '?':
			b.WriteString(`[^/]`)
			p = p[1:]
		case p[0] == '[' && classEnd(p) > 0:
			end := classEnd(p)
			class := strings.ReplaceAll(p[1:end], `\`, `\\`)
			switch class[0] {
			case '!':
				class = "^" + class[1:]
			case '^':
				class = `\` + class
			}
			b.WriteString("[" + class + "]")
			p = p[end+1:]
		default:
			r := []rune(p)[0]
			b.WriteString(regexp.QuoteMeta(string(r)))
			p = p[len(string(r)):]
		}
	}
	b.WriteString(`$`)
	return regexp.Compile(b.String())
}

// classEnd gives the index of the bracket that closes a class, 0 if there is
// none.
func classEnd(p string) int {
	i := 1
	if strings.HasPrefix(p[i:], "!") {
		i++
	}
	if strings.HasPrefix(p[i:], "]") {
		i++
	}
	if n := strings.Index(p[i:], "]"); n >= 0 {
		return i + n
	}
	return 0
}
