package archive

import (
	"bufio"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// inflaters keeps decompressors for reuse: most files of a wheel are smaller
// than the tables of one. The package is used in place of compress/flate
// because it takes a fifth less time, and inflating is most of what the
// installer does.
type inflaters struct{ pool sync.Pool }

// inflater is a decompressor with its input buffer. The default buffer of 4 KiB
// would mean a system call for each 4 KiB of a wheel.
type inflater struct {
	in    *bufio.Reader
	flate io.ReadCloser
	home  *inflaters
}

const inputBuffer = 64 << 10

func (p *inflaters) open(r io.Reader) io.ReadCloser {
	if i, ok := p.pool.Get().(*inflater); ok {
		i.in.Reset(r)
		i.flate.(flate.Resetter).Reset(i.in, nil) //nolint:errcheck // resets always succeed
		return i
	}
	in := bufio.NewReaderSize(r, inputBuffer)
	return &inflater{in: in, flate: flate.NewReader(in), home: p}
}

func (i *inflater) Read(p []byte) (int, error) { return i.flate.Read(p) }

func (i *inflater) Close() error {
	err := i.flate.Close()
	i.home.pool.Put(i)
	return err
}
