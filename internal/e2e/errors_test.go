package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec/internal/testengine"
)

var update = flag.Bool("update", false, "rewrite what the golden files expect")

// TestErrors builds bad input through docker buildx and compares what a user
// sees: each archive in testdata/errors holds a build context, in a comment
// the further arguments of the build, and in "want" the expected text. In
// files, SERVER stands for an index that has no wheel at all.
func TestErrors(t *testing.T) {
	engine := testengine.Start(t)
	server := httptest.NewServer(http.HandlerFunc(badIndex))
	t.Cleanup(server.Close)
	archives, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(archives) < 10 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(txtar.Format(&txtar.Archive{Files: archive.Files})), "SERVER", server.URL)
			p := written(t, engine, text)
			built, err := p.tryBuild(t, strings.Fields(string(archive.Comment))...)
			if err == nil {
				t.Fatalf("the build goes through:\n%s", built.Output)
			}
			got := seen(built.Output, engine.FrontendRef(t), server.URL)
			compare(t, file, archive, got)
		})
	}
}

// badIndex answers as broken servers do.
func badIndex(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/forbidden/"):
		http.Error(w, "log in first", http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, "/private/"):
		http.Error(w, "log in first", http.StatusUnauthorized)
	case r.URL.Path == "/simple/idna/":
		fmt.Fprintf(w, `<a href="/files/idna-3.10-py3-none-any.whl#sha256=%064d">idna</a>`, 1)
	case r.URL.Path == "/hashless/idna/":
		fmt.Fprint(w, `<a href="/changed/idna-3.10-py3-none-any.whl">idna</a>`)
	case strings.HasPrefix(r.URL.Path, "/changed/"):
		fmt.Fprint(w, "other bytes than those that were locked")
	default:
		http.NotFound(w, r)
	}
}

// seen cuts a build's output down to what is printed about the error, without
// what differs from run to run.
func seen(output, frontend, server string) string {
	if i := regexp.MustCompile(`(?m)^(\S+:\d+\n-----|ERROR: failed)`).FindStringIndex(output); i != nil {
		output = output[i[0]:]
	}
	output = strings.NewReplacer(
		frontend, "FRONTEND", server, "SERVER",
		// buildx hears of the failure in two ways, and says which it heard first.
		"failed to run Build function: ", "failed to solve: ",
	).Replace(output)
	return regexp.MustCompile(`\nView build details: .*`).ReplaceAllString(strings.TrimRight(output, "\n"), "") + "\n"
}

// compare checks the text against the archive's "want", or rewrites it.
func compare(t *testing.T, file string, archive *txtar.Archive, got string) {
	t.Helper()
	i := len(archive.Files) - 1
	if i < 0 || archive.Files[i].Name != "want" {
		archive.Files = append(archive.Files, txtar.File{Name: "want"})
		i++
	}
	if *update {
		archive.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(archive.Files[i].Data); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
