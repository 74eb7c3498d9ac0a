// Command scanner is what makes the SBOM of a build in tests: the worst that a
// generator of BuildKit may do, which is to list every file that it is shown,
// with all that Python's packages say of themselves. It follows BuildKit's
// docs/attestations/sbom-protocol.md and writes SPDX 2.3.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Getenv("BUILDKIT_SCAN_SOURCE"), os.Getenv("BUILDKIT_SCAN_SOURCE_EXTRAS"), os.Getenv("BUILDKIT_SCAN_DESTINATION")); err != nil {
		fmt.Fprintln(os.Stderr, "scanner:", err)
		os.Exit(1)
	}
}

// run scans the image, and each folder of the extras where there are some.
func run(source, extras, destination string) error {
	targets := []string{source}
	if extras != "" {
		more, err := filepath.Glob(filepath.Join(extras, "*"))
		if err != nil {
			return err
		}
		targets = append(targets, more...)
	}
	for _, target := range targets {
		found, err := scan(os.DirFS(target), filepath.Base(target))
		if err != nil {
			return err
		}
		data, err := json.Marshal(statement{
			Type: "https://in-toto.io/Statement/v0.1", PredicateType: "https://spdx.dev/Document", Predicate: found,
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(destination, found.Name+".spdx.json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// statement is the envelope of in-toto.
type statement struct {
	Type          string    `json:"_type"`
	PredicateType string    `json:"predicateType"`
	Predicate     *document `json:"predicate"`
}

// document is one of SPDX.
type document struct {
	Version   string        `json:"spdxVersion"`
	License   string        `json:"dataLicense"`
	ID        string        `json:"SPDXID"`
	Name      string        `json:"name"`
	Namespace string        `json:"documentNamespace"`
	Creation  creation      `json:"creationInfo"`
	Packages  []spdxPackage `json:"packages"`
	Files     []spdxFile    `json:"files"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID       string `json:"SPDXID"`
	Name     string `json:"name"`
	Version  string `json:"versionInfo"`
	Location string `json:"downloadLocation"`
	Comment  string `json:"comment"` // all of METADATA
}

type spdxFile struct {
	ID        string     `json:"SPDXID"`
	Name      string     `json:"fileName"`
	Checksums []checksum `json:"checksums"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

// scan lists the files of a tree, and the Python packages among them.
func scan(tree fs.FS, name string) (*document, error) {
	d := &document{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Namespace: "https://scanner.invalid/" + name,
		Creation:  creation{Created: "1980-01-01T00:00:00Z", Creators: []string{"Tool: scanner"}},
	}
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		d.add(file, data)
		return nil
	})
	return d, err
}

func (d *document) add(file string, data []byte) {
	sum := sha256.Sum256(data)
	d.Files = append(d.Files, spdxFile{
		ID: fmt.Sprintf("SPDXRef-File-%d", len(d.Files)), Name: "/" + file,
		Checksums: []checksum{{"SHA256", hex.EncodeToString(sum[:])}},
	})
	if path.Base(file) != "METADATA" || !strings.HasSuffix(path.Dir(file), ".dist-info") {
		return
	}
	about, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(data))).ReadMIMEHeader() // what can be read of it
	d.Packages = append(d.Packages, spdxPackage{
		ID: fmt.Sprintf("SPDXRef-Package-%d", len(d.Packages)), Name: about.Get("Name"), Version: about.Get("Version"),
		Location: "NOASSERTION", Comment: string(data),
	})
}
