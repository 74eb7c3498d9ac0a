package wheelinstall

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/imagespec/imagespec/internal/tree"
	"github.com/imagespec/imagespec/internal/wheelinstall/archive"
	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

const (
	copyBuffer = 256 << 10 // bytes; most files of a wheel are read and written at once
	bigFile    = 1 << 20   // bytes from which a file is a job of its own
)

// planned is a file with the wheel that it comes from.
type planned struct {
	*file
	plan *plan
}

// size is how much work a file is, in bytes.
func (f planned) size() int64 {
	if f.entry == nil {
		return int64(len(f.data))
	}
	return f.entry.Size
}

// job is what one goroutine does at a time: files of one directory, so that it
// is opened once, but for big files, which several goroutines should share.
type job struct {
	dir   string
	files []planned
	size  int64
}

// directories gives all directories that are needed, below the root.
func directories(prefix string, plans []*plan) []string {
	seen := map[string]bool{}
	for _, p := range plans {
		for name := range p.files {
			seen[path.Join(prefix, path.Dir(name))] = true
		}
	}
	dirs := make([]string, 0, len(seen))
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	return dirs
}

// jobs divides the files, the largest job first so that none is left over for
// one goroutine while the others have ended.
func jobs(plans []*plan) []job {
	byDir := map[string]*job{}
	var all []job
	for _, p := range plans {
		for _, f := range p.files {
			f := planned{f, p}
			dir := path.Dir(f.path)
			if f.size() >= bigFile {
				all = append(all, job{dir, []planned{f}, f.size()})
				continue
			}
			if byDir[dir] == nil {
				byDir[dir] = &job{dir: dir}
			}
			byDir[dir].files = append(byDir[dir].files, f)
			byDir[dir].size += f.size()
		}
	}
	for _, j := range byDir {
		all = append(all, *j)
	}
	slices.SortFunc(all, func(a, b job) int {
		return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.dir, b.dir))
	})
	return all
}

// writeFiles writes all files but RECORD. Faults of wheels are collected, so
// that all are told; any other error ends it.
func writeFiles(t *tree.Tree, prefix string, plans []*plan) error {
	all := jobs(plans)
	writers := sync.Pool{New: func() any { return &writer{make([]byte, copyBuffer), sha256.New()} }}
	var mu sync.Mutex
	var problems []Error
	err := parallel(len(all), func(i int) error {
		dir, err := t.Dir(path.Join(prefix, all[i].dir))
		if err != nil {
			return err
		}
		defer dir.Close()
		w := writers.Get().(*writer)
		defer writers.Put(w)
		for _, f := range all[i].files {
			err := w.write(dir, f)
			if problem := (archive.Problem{}); errors.As(err, &problem) {
				mu.Lock()
				problems = append(problems, Error{f.plan.wheel, problem})
				mu.Unlock()
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return join(problems)
}

// writer writes files one after the other with the same buffer.
type writer struct {
	buf  []byte
	hash hash.Hash // of what is written
}

// write writes one file and makes its row for RECORD. A file that lost its
// path to another wheel is read and hashed all the same: its RECORD lists it.
func (w *writer) write(dir *tree.Dir, f planned) error {
	var size int64
	fill := func(out io.Writer) (err error) {
		size, err = w.copy(out, f.file, f.plan.layout.Interpreter())
		return err
	}
	var err error
	if f.lost {
		err = fill(io.Discard)
	} else {
		err = dir.WriteFile(path.Base(f.path), f.executable, fill)
	}
	f.row = metadata.Row{
		Path: f.plan.recordPath(f.path),
		Hash: metadata.SHA256(w.hash.Sum(nil)),
		Size: size,
	}
	return err
}

// copy writes the content of a file, verified against the wheel's RECORD, and
// leaves its digest in w.hash.
func (w *writer) copy(out io.Writer, f *file, interpreter string) (int64, error) {
	w.hash.Reset()
	if f.entry == nil {
		w.hash.Write(f.data)
		n, err := out.Write(f.data)
		return int64(n), err
	}
	in, err := f.entry.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()

	// What is written is what was read, unless a script is changed: then, and
	// for other algorithms, what is read has a digest of its own.
	read := w.hash
	var content io.Reader = in
	algorithm, _, _ := strings.Cut(f.hash, "=")
	if other := newHash(algorithm); other != nil && (f.script || algorithm != "sha256") {
		read = other
		content = io.TeeReader(in, read)
	}
	if f.script {
		if content, err = withInterpreter(content, interpreter); err != nil {
			return 0, err
		}
	}
	size, err := w.stream(out, content)
	if err != nil {
		return size, err
	}
	return size, verifyRow(f.entry.Name, f.hash, read)
}

// stream copies in to out and to the digest. It is io.CopyBuffer, which would
// pass the buffer by.
func (w *writer) stream(out io.Writer, in io.Reader) (size int64, err error) {
	for {
		n, readErr := io.ReadFull(in, w.buf)
		w.hash.Write(w.buf[:n])
		size += int64(n)
		if n > 0 {
			if _, err := out.Write(w.buf[:n]); err != nil {
				return size, err
			}
		}
		if readErr == io.EOF || readErr == io.ErrUnexpectedEOF {
			return size, nil
		}
		if readErr != nil {
			return size, readErr
		}
	}
}

// withInterpreter replaces the first line of a script that starts with
// "#!python", with or without more on the line ("#!pythonw", arguments).
func withInterpreter(in io.Reader, interpreter string) (io.Reader, error) {
	const placeholder = "#!python"
	r := bufio.NewReader(in)
	// A script may be a binary, or shorter: only what is there is looked at.
	if start, err := r.Peek(len(placeholder)); string(start) != placeholder {
		if err != nil && err != io.EOF {
			return nil, err
		}
		return r, nil
	}
	for {
		// A line may be longer than the buffer.
		_, err := r.ReadSlice('\n')
		if err == nil || err == io.EOF {
			return io.MultiReader(strings.NewReader(shebang(interpreter)), r), nil
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
	}
}

// verifyRow holds the content of an entry, of which h is the digest, against a
// digest as RECORD has it. Where RECORD has none, or one of an algorithm below
// sha256, which the format forbids, everything is right.
func verifyRow(entry, recorded string, h hash.Hash) error {
	algorithm, want, _ := strings.Cut(recorded, "=")
	if newHash(algorithm) == nil {
		return nil
	}
	if got := base64.RawURLEncoding.EncodeToString(h.Sum(nil)); got != want {
		return archive.Problem{Entry: entry, Reason: fmt.Sprintf("has the %s digest %s, RECORD says %s", algorithm, got, want)}
	}
	return nil
}

// newHash gives the hash of an algorithm that is verified; nil for others.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// parallel calls do for 0 … n-1, as many at a time as there are processors. It
// begins no more calls after an error, and gives the one of the lowest number.
func parallel(n int, do func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	errs := make([]error, n)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[i] = do(i); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
