// Package archive opens zip archives that are not trusted and gives the files
// in them, after every entry has been checked. It knows what zip is and nothing
// of wheels. Nothing is written, nothing is unpacked before it is asked for.
//
// An archive is refused with one Problem for each bad entry when
//
//   - it is truncated, is no zip, or spans several disks;
//   - a name is absolute or has a drive letter, has "..", a backslash, a control
//     character or bytes that are not UTF-8, is empty, or has a part longer than
//     255 bytes. "./" and "//" are cleaned away, as pip and uv do;
//   - an entry is encrypted, or compressed by something other than deflate;
//   - an entry is a device, pipe or socket;
//   - a path appears twice with different content, which installers resolve
//     differently; or both as file and as directory of another file. Twice with
//     the same content is taken once;
//   - the data of two entries overlap (the trick of the zip bomb that holds
//     petabytes), or lie outside the file;
//   - the header before an entry's data names another file than the directory at
//     the end of the archive does, or there is an entry between two that the
//     directory does not list: readers of the two would see different archives;
//   - the files are larger than MaxTotal together.
//
// While an entry is read its length and CRC-32 are held against what the
// directory says; what is longer is not unpacked to its end.
//
// Entries for directories are skipped: directories follow from the files in
// them. An entry that is marked as symbolic link is given as the file that it
// is, its content the target: pip, uv and installer write it as such a file.
package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// MaxTotal is how many bytes the files of an archive may have together, 64 GiB,
// far above the largest wheels there are.
const MaxTotal = 64 << 30

// Problem is what is wrong with an archive or with one of its entries.
type Problem struct {
	Entry  string // name as the archive has it; empty if the archive as a whole is meant
	Reason string // what is wrong, to be read after the name
}

// Error gives the entry, quoted, and the reason.
func (p Problem) Error() string {
	if p.Entry == "" {
		return p.Reason
	}
	return fmt.Sprintf("%q: %s", p.Entry, p.Reason)
}

// Entry is a file in an archive.
type Entry struct {
	Name       string // slash-separated, clean, relative
	Size       int64  // unpacked, in bytes, as declared
	CRC32      uint32 // as declared
	Executable bool   // has an x bit for anyone
	Link       bool   // is marked as symbolic link
	zip        *zip.File
}

// Archive is an open archive. Its entries may be read by many goroutines.
type Archive struct {
	Entries []*Entry // in the order of the archive
}

// Read reads the directory of an archive and checks all entries. It gives
// either the archive or the problems, in the order of the archive.
func Read(r io.ReaderAt, size int64) (*Archive, []Problem) {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, []Problem{{Reason: zipReason(err)}}
	}
	inflaters := &inflaters{}
	zr.RegisterDecompressor(zip.Deflate, inflaters.open)

	c := checker{size: size, r: r}
	for _, f := range zr.File {
		c.entry(f)
	}
	c.collisions()
	c.layout()
	c.total()
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return &Archive{Entries: c.entries}, nil
}

// Open gives the content of an entry. Its errors, and those of the reader, are
// Problems when the archive is at fault.
func (e *Entry) Open() (io.ReadCloser, error) {
	rc, err := e.zip.Open()
	if err != nil {
		return nil, e.problem(err)
	}
	return &entryReader{entry: e, rc: rc}, nil
}

// ReadAll gives the content of an entry of at most limit bytes.
func (e *Entry) ReadAll(limit int64) ([]byte, error) {
	if e.Size > limit {
		return nil, Problem{e.Name, fmt.Sprintf("has %d bytes, the limit for this file is %d", e.Size, limit)}
	}
	rc, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// entryReader has archive/zip hold length and CRC-32 against the directory, and
// says in the words of this package what is wrong.
type entryReader struct {
	entry *Entry
	rc    io.ReadCloser
}

func (r *entryReader) Read(p []byte) (int, error) {
	n, err := r.rc.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, zip.ErrFormat):
		return n, Problem{r.entry.Name, fmt.Sprintf("has more than the %d bytes it declares", r.entry.Size)}
	}
	return n, r.entry.problem(err)
}

func (r *entryReader) Close() error { return r.rc.Close() }

// problem tells faults of the archive from those of the machine.
func (e *Entry) problem(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return err
	}
	return Problem{e.Name, zipReason(err)}
}

// zipReason says in the words of this package what archive/zip and the inflater
// say in theirs.
func zipReason(err error) string {
	switch {
	case errors.Is(err, zip.ErrFormat):
		return "is not a zip archive, or a truncated one"
	case errors.Is(err, zip.ErrChecksum):
		return "has a CRC-32 other than declared"
	case errors.Is(err, zip.ErrAlgorithm):
		return "is compressed by an unknown method"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "ends before its declared length"
	}
	return "cannot be unpacked: " + err.Error()
}
