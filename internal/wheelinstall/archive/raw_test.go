package archive

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// member is an entry of a zip archive made by hand, so that every field can
// lie. The zero value of a field means the truth.
type member struct {
	name      string
	data      string // unpacked
	deflate   bool
	method    uint16 // in the headers, instead of that which data really has
	flags     uint16
	mode      uint32 // Unix mode, in both header's places
	localName string // the name in the local header, if another
	crc       uint32
	size      uint32 // unpacked, as declared
	packed    uint32 // as declared
	gap       string // bytes before the local header
	hidden    bool   // is not in the directory
	sameAs    bool   // shares the local header and data of the member before
}

// zipOf writes an archive.
func zipOf(members ...member) []byte {
	var out, directory bytes.Buffer
	count, offset := 0, 0
	for _, m := range members {
		m, packed := m.settle()
		if !m.sameAs {
			out.WriteString(m.gap)
			offset = out.Len()
			out.WriteString("PK\x03\x04")
			put(&out, uint16(20), m.flags, m.method, uint32(0), m.crc, m.packed, m.size, uint16(len(m.localName)), uint16(0))
			out.WriteString(m.localName)
			out.Write(packed)
		}
		if m.hidden {
			continue
		}
		count++
		directory.WriteString("PK\x01\x02")
		put(&directory, uint16(3<<8|20), uint16(20), m.flags, m.method, uint32(0), m.crc, m.packed, m.size,
			uint16(len(m.name)), uint16(0), uint16(0), uint16(0), uint16(0), m.mode<<16, uint32(offset))
		directory.WriteString(m.name)
	}
	start := out.Len()
	out.Write(directory.Bytes())
	out.WriteString("PK\x05\x06")
	put(&out, uint16(0), uint16(0), uint16(count), uint16(count), uint32(directory.Len()), uint32(start), uint16(0))
	return out.Bytes()
}

// settle puts the truth where nothing else is said, and gives the packed data.
func (m member) settle() (member, []byte) {
	packed := []byte(m.data)
	if m.deflate {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		w.Write([]byte(m.data))
		w.Close()
		packed = b.Bytes()
		m.method = max(m.method, 8)
	}
	if m.localName == "" {
		m.localName = m.name
	}
	if m.crc == 0 {
		m.crc = crc32.ChecksumIEEE([]byte(m.data))
	}
	if m.size == 0 {
		m.size = uint32(len(m.data))
	}
	if m.packed == 0 {
		m.packed = uint32(len(packed))
	}
	return m, packed
}

// put writes fields in the byte order of zip.
func put(b *bytes.Buffer, fields ...any) {
	for _, field := range fields {
		binary.Write(b, binary.LittleEndian, field)
	}
}
