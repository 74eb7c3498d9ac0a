package frontend

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
)

// TestNetrc: what the secret netrc has a login for is fetched by steps that have
// it, pages and files, and everything else by BuildKit itself. PyPI is not looked
// for, and each other host once in a build.
func TestNetrc(t *testing.T) {
	const (
		idna = "https://files.example/idna-3.10-py3-none-any.whl"
		rich = "https://other.example/rich-14.0-py3-none-any.whl"
	)
	for _, tc := range []struct {
		name                   string
		spec                   string
		netrc                  []string
		looked, fetched, pages []string
	}{
		{"no netrc", "", nil, []string{"files.example other.example"}, nil, []string{idnaPage, richPage}},
		{"of a server of files", "", []string{"files.example"}, []string{"files.example other.example"}, []string{idna}, []string{idnaPage, richPage}},
		{
			"of the index", "pip_index: https://own.example/simple\n",
			[]string{"own.example"},
			[]string{"own.example", "files.example other.example"},
			nil, nil,
		},
		{
			"of a mirror", "builder_options: {pip: false, url_rewrites: {'https://files.example/': 'https://mirror.example/'}}\n",
			[]string{"mirror.example"},
			[]string{"mirror.example other.example"},
			[]string{"https://mirror.example/idna-3.10-py3-none-any.whl"},
			[]string{idnaPage, richPage},
		},
	} {
		e := hashedProject()
		e.files["imagespec.yaml"] = "base_image: python:3.12-slim-bookworm\nrequirements: requirements.txt\n" + tc.spec
		if !strings.Contains(tc.spec, "builder_options") {
			e.files["imagespec.yaml"] += "builder_options: {pip: false}\n"
		}
		e.netrc, e.pages[idnaPage], e.pages[richPage] = tc.netrc, filePage(idna, idnaDigest), filePage(rich, richDigest)
		e.resolver = func(step *pb.ExecOp) (map[string]string, error) {
			url, file := step.Meta.Args[len(step.Meta.Args)-2], step.Meta.Args[len(step.Meta.Args)-1]
			return map[string]string{path.Base(file): e.pages[strings.Replace(url, "own.example", "pypi.org", 1)]}, nil
		}
		plain := e.wheels(t)
		if !slices.Equal(e.looked, tc.looked) {
			t.Errorf("%s: looked for %q, want %q", tc.name, e.looked, tc.looked)
		}
		got := fetched(t, e, "netrc")
		if !slices.Equal(got, tc.fetched) || len(plain)+len(got) != 2 {
			t.Errorf("%s: fetched %q with the netrc, want %q; without it %q", tc.name, got, tc.fetched, plain)
		}
		var pages []string
		for _, read := range e.read {
			page, _, _ := strings.Cut(read, " ")
			pages = append(pages, page)
		}
		slices.Sort(pages)
		if !slices.Equal(pages, tc.pages) {
			t.Errorf("%s: read %q without the netrc, want %q", tc.name, pages, tc.pages)
		}
	}
}

// TestNetrcOfPlatforms: several platforms look for a host once.
func TestNetrcOfPlatforms(t *testing.T) {
	e := hashedProject()
	e.anyArch, e.opts["platform"] = true, "linux/amd64,linux/arm64"
	e.wheels(t)
	if !slices.Equal(e.looked, []string{"files.example"}) {
		t.Errorf("looked for %q", e.looked)
	}
}
