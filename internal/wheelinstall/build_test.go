package wheelinstall_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/internal/wheelinstall/metadata"
)

// entries are the files of a wheel, in order: name, content, name, content… A
// name may end in a mode: "bin/tool 0755", "link 0120777".
type entries []string

// fileMode gives name and Unix mode, type included.
func fileMode(name string) (string, uint32) {
	name, mode, found := strings.Cut(name, " 0")
	bits := uint32(0o100644)
	if found {
		fmt.Sscanf(mode, "%o", &bits)
		if bits < 0o1000 {
			bits |= 0o100000
		}
	}
	return name, bits
}

// buildWheel writes a wheel into a directory and gives its path. WHEEL, METADATA
// and RECORD are made to fit unless files has them.
func buildWheel(t testing.TB, dir, file string, files entries) string {
	t.Helper()
	parts := strings.Split(file, "-")
	info := parts[0] + "-" + parts[1] + ".dist-info/"
	has := func(base string) bool {
		return slices.ContainsFunc(files, func(s string) bool { return strings.HasSuffix(s, ".dist-info/"+base) })
	}
	files = slices.Clone(files)
	if !has("WHEEL") {
		files = append(files, info+"WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	}
	if !has("METADATA") {
		files = append(files, info+"METADATA", "Metadata-Version: 2.1\nName: "+parts[0]+"\nVersion: "+parts[1]+"\n")
	}
	if !has("RECORD") {
		files = append(files, info+"RECORD", recordOf(files)+info+"RECORD,,\n")
	}
	name := filepath.Join(dir, file)
	if err := os.WriteFile(name, zipFiles(t, files), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func recordOf(files entries) string {
	var rows []metadata.Row
	for pair := range slices.Chunk(files, 2) {
		name, _ := fileMode(pair[0])
		sum := sha256.Sum256([]byte(pair[1]))
		if !strings.HasSuffix(name, "/") {
			rows = append(rows, metadata.Row{Path: name, Hash: metadata.SHA256(sum[:]), Size: int64(len(pair[1]))})
		}
	}
	return string(metadata.FormatRecord(rows))
}

func zipFiles(t testing.TB, files entries) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for pair := range slices.Chunk(files, 2) {
		name, mode := fileMode(pair[0])
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, CreatorVersion: 3 << 8, ExternalAttrs: mode << 16}
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(pair[1]))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listing shows a directory: a line for everything in it with mode, time and
// path, and the content of those files that show chooses.
func listing(t *testing.T, dir string, show func(name string) bool) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%s %s %s\n", info.Mode(), info.ModTime().UTC().Format("2006-01-02"), rel)
		if d.Type().IsRegular() && show(rel) {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b.WriteString("\t" + strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), "\n", "\n\t") + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
