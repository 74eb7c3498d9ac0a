package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imagespec/imagespec/internal/golden"
	"github.com/imagespec/imagespec/internal/testengine"
)

// TestErrors builds bad input through docker buildx and compares what a user
// sees: each archive in testdata/errors holds a build context, in a comment
// the further arguments of the build, and in "want" the expected text. In
// files, SERVER stands for an index that has no wheel at all.
func TestErrors(t *testing.T) {
	engine := testengine.Start(t)
	server := httptest.NewServer(http.HandlerFunc(badIndex))
	t.Cleanup(server.Close)
	golden.Archives(t, "testdata/errors/*.txtar", 10, func(t *testing.T, archive *txtar.Archive) string {
		t.Parallel()
		arguments := strings.Fields(string(archive.Comment))
		files := strings.ReplaceAll(string(txtar.Format(&txtar.Archive{Files: archive.Files})), "SERVER", server.URL)
		built, err := written(t, engine, files).tryBuild(t, arguments...)
		if err == nil {
			t.Fatalf("the build goes through:\n%s", built.Output)
		}
		return seen(built.Output, engine.FrontendRef(t), server.URL)
	})
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
