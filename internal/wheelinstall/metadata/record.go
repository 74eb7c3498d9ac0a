package metadata

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Row is a line of RECORD.
type Row struct {
	Path string // slash-separated, relative to the directory that holds .dist-info
	Hash string // "sha256=" and the digest in URL-safe base64 without padding; may be empty
	Size int64  // in bytes; -1 where RECORD does not say
}

// ParseRecord reads RECORD. Of each row the path is cleaned; a slash before it,
// which wheels of selenium had, is dropped. Rows without path are skipped.
// What is not CSV, has a size that is no number, or a line break within a field,
// which no file of a wheel has in its name, is an error naming the line.
func ParseRecord(data []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	fields, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("RECORD: %w", err)
	}
	var rows []Row
	for i, f := range fields {
		if len(f) == 0 || f[0] == "" {
			continue
		}
		if joined := strings.Join(f, ""); strings.ContainsAny(joined, "\r\n") {
			return nil, fmt.Errorf("RECORD: row %d: %q has a line break within", i+1, joined)
		}
		row := Row{Path: path.Clean(strings.TrimLeft(f[0], "/")), Size: -1}
		if len(f) > 1 {
			row.Hash = strings.TrimRight(f[1], "=")
		}
		if len(f) > 2 && f[2] != "" {
			row.Size, err = strconv.ParseInt(f[2], 10, 64)
			if err != nil || row.Size < 0 {
				return nil, fmt.Errorf("RECORD: row %d: size %q is not a number of bytes", i+1, f[2])
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// FormatRecord writes RECORD with LF line ends, sorted by path.
func FormatRecord(rows []Row) []byte {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b Row) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range sorted {
		size := ""
		if row.Size >= 0 {
			size = strconv.FormatInt(row.Size, 10)
		}
		w.Write([]string{row.Path, row.Hash, size}) //nolint:errcheck // a bytes.Buffer takes everything
	}
	w.Flush()
	return b.Bytes()
}

// SHA256 gives a digest in the form that RECORD has.
func SHA256(digest []byte) string {
	return "sha256=" + base64.RawURLEncoding.EncodeToString(digest)
}
