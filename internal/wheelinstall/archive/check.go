package archive

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checker collects the entries of an archive and what is wrong with them.
type checker struct {
	r        io.ReaderAt
	size     int64 // of the archive
	files    []*zip.File
	entries  []*Entry
	problems []Problem
}

func (c *checker) fail(name, format string, args ...any) {
	c.problems = append(c.problems, Problem{name, fmt.Sprintf(format, args...)})
}

// Type bits of a Unix mode (stat.h), which archives carry in the upper half of
// the external attributes whatever system they claim to come from.
const (
	modeType    = 0o170000
	modeRegular = 0o100000
	modeDir     = 0o040000
	modeLink    = 0o120000
	modeExec    = 0o111
)

// entry checks what can be told from one entry alone.
func (c *checker) entry(f *zip.File) {
	c.files = append(c.files, f)
	if reason := nameProblem(f.Name); reason != "" {
		c.fail(f.Name, "%s", reason)
		return
	}
	mode := f.ExternalAttrs >> 16
	if strings.HasSuffix(f.Name, "/") || mode&modeType == modeDir && f.UncompressedSize64 == 0 {
		return
	}
	const encrypted, strongEncrypted = 1 << 0, 1 << 6
	switch kind := mode & modeType; {
	case f.Flags&(encrypted|strongEncrypted) != 0:
		c.fail(f.Name, "is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		c.fail(f.Name, "is compressed by method %d (%s), wheels use deflate", f.Method, methodName(f.Method))
	case f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64:
		c.fail(f.Name, "is stored, yet its sizes differ (%d and %d)", f.CompressedSize64, f.UncompressedSize64)
	case f.UncompressedSize64 > MaxTotal:
		c.fail(f.Name, "declares %d bytes, more than an archive may have", f.UncompressedSize64)
	case kind != 0 && kind != modeRegular && kind != modeLink:
		c.fail(f.Name, "is neither a file nor a directory (mode %#o)", mode)
	default:
		c.entries = append(c.entries, &Entry{
			Name:       path.Clean(f.Name),
			Size:       int64(f.UncompressedSize64),
			CRC32:      f.CRC32,
			Executable: mode&modeExec != 0 && kind != modeLink,
			Link:       kind == modeLink,
			zip:        f,
		})
	}
}

// nameProblem tells why a name cannot be unpacked.
func nameProblem(name string) string {
	const maxPart = 255 // NAME_MAX on Linux
	switch {
	case name == "" || name == "/" || name == "." || name == "./":
		return "is an empty name"
	case !utf8.ValidString(name):
		return "has a name that is not UTF-8"
	case strings.HasPrefix(name, "/"):
		return "is an absolute path"
	case strings.Contains(name, "\\"):
		return "has a backslash in its name"
	case len(name) >= 2 && name[1] == ':' && unicode.IsLetter(rune(name[0])):
		return "has a drive letter"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has a control character in its name"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "leads out of its directory (..)"
		}
		if len(part) > maxPart {
			return fmt.Sprintf("has a name longer than %d bytes", maxPart)
		}
	}
	return ""
}

func methodName(method uint16) string {
	switch method {
	case 9:
		return "deflate64"
	case 12:
		return "bzip2"
	case 14:
		return "LZMA"
	case 93:
		return "zstd"
	case 95:
		return "xz"
	}
	return "unknown"
}

// collisions drops repeated entries and reports paths that cannot all exist.
func (c *checker) collisions() {
	byName := make(map[string]*Entry, len(c.entries))
	var kept []*Entry
	for _, e := range c.entries {
		first, repeated := byName[e.Name]
		switch {
		case !repeated:
			byName[e.Name] = e
			kept = append(kept, e)
		case first.Size != e.Size || first.CRC32 != e.CRC32 || first.Executable != e.Executable:
			c.fail(e.zip.Name, "is there twice, with different content")
		}
	}
	for _, e := range kept {
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			if _, isFile := byName[dir]; isFile {
				c.fail(e.zip.Name, "lies in %q, which is a file", dir)
				break
			}
		}
	}
	c.entries = kept
}

// total holds the sum of the declared sizes against MaxTotal.
func (c *checker) total() {
	left := int64(MaxTotal)
	for _, e := range c.entries {
		if left -= e.Size; left < 0 {
			c.fail("", "unpacks to more than %d bytes", int64(MaxTotal))
			return
		}
	}
}

// span is where the data of an entry lie in the archive.
type span struct {
	file       *zip.File
	start, end int64
}

// layout checks that the data of the entries lie one behind the other, each
// after a header that names it, with nothing between.
func (c *checker) layout() {
	var spans []span
	for _, f := range c.files {
		start, err := f.DataOffset()
		if err != nil {
			c.fail(f.Name, "has no header before its data")
			continue
		}
		if start > c.size || f.CompressedSize64 > uint64(c.size-start) {
			c.fail(f.Name, "has data beyond the end of the archive")
			continue
		}
		spans = append(spans, span{f, start, start + int64(f.CompressedSize64)})
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var before span
	for _, s := range spans {
		if reason := c.gapProblem(before, s); reason != "" {
			c.fail(s.file.Name, "%s", reason)
		}
		before = s
	}
}

const (
	localHeader    = 30 // bytes of a local header before name and extra fields
	maxDescriptor  = 24 // bytes of a data descriptor, with 64-bit sizes and signature
	localSignature = "PK\x03\x04"
)

// gapProblem looks at the bytes between the data of two entries: they have to
// be the descriptor of the first, if it has one, and the header of the second.
// Before the first entry of an archive anything may stand.
func (c *checker) gapProblem(before, s span) string {
	gapStart := max(before.end, s.start-localHeader-2*(1<<16))
	if before.file != nil && s.start < before.end+localHeader {
		return fmt.Sprintf("overlaps with %q", before.file.Name)
	}
	gap := make([]byte, s.start-gapStart)
	if _, err := c.r.ReadAt(gap, gapStart); err != nil {
		return "cannot be read: " + err.Error()
	}
	at := headerIn(gap, s.file.Name)
	switch {
	case at < 0:
		return "has another name in the header before its data"
	case before.file != nil && (gapStart > before.end || at > maxDescriptor):
		return fmt.Sprintf("follows %d bytes that the archive's directory does not list", gapStart+int64(at)-before.end)
	}
	return ""
}

// headerIn finds the local header that ends gap and has the given name; -1 if
// there is none.
func headerIn(gap []byte, name string) int {
	for at := len(gap) - localHeader - len(name); at >= 0; at-- {
		h := gap[at:]
		if !bytes.HasPrefix(h, []byte(localSignature)) {
			continue
		}
		nameLen, extraLen := int(binary.LittleEndian.Uint16(h[26:])), int(binary.LittleEndian.Uint16(h[28:]))
		if localHeader+nameLen+extraLen == len(h) && string(h[localHeader:localHeader+nameLen]) == name {
			return at
		}
	}
	return -1
}
