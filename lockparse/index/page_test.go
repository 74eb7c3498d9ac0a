package index_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/index"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// page is where the pages of these tests come from.
const page = "https://index.example/simple/idna/"

func sha256(digit string) lock.Hash {
	return lock.Hash{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)}
}

func file(name, url string, size int64, hashes ...lock.Hash) lock.File {
	return lock.File{Name: name, URL: url, Size: size, Hashes: hashes}
}

func TestParse(t *testing.T) {
	a, md5 := strings.Repeat("a", 64), strings.Repeat("b", 32)
	const whl = "idna-3.10-py3-none-any.whl"
	tests := []struct {
		name, page string
		want       []lock.File
	}{
		{
			"PyPI's JSON", `{"meta":{"api-version":"1.4","_last-serial":1},"name":"idna","versions":["3.10"],"files":[
			{"filename":"` + whl + `","url":"https://files.example/aa/` + whl + `","hashes":{"sha256":"` + a + `"},"size":70442,
			 "requires-python":">=3.6","yanked":false,"core-metadata":{"sha256":"x"},"upload-time":"2024-09-15T18:07:37.964Z","provenance":null}]}`,
			[]lock.File{file(whl, "https://files.example/aa/"+whl, 70442, sha256("a"))},
		},
		{
			"HTML", `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1"><title>Links</title></head>
			<body><h1>Links</h1><a href="https://files.example/` + whl + `#sha256=` + a + `" data-requires-python="&gt;=3.6">` + whl + `</a><br/></body></html>`,
			[]lock.File{file(whl, "https://files.example/"+whl, 0, sha256("a"))},
		},
		{
			"relative URLs in JSON", `{"files":[{"filename":"` + whl + `","url":"../../files/` + whl + `","hashes":{}}]}`,
			[]lock.File{file(whl, "https://index.example/files/"+whl, 0)},
		},
		{
			"relative links", `<a href="` + whl + `">x</a><a href="/root/` + whl + `">x</a><a href="//cdn.example/` + whl + `">x</a><a href="../` + whl + `">x</a>`,
			[]lock.File{
				file(whl, page+whl, 0), file(whl, "https://index.example/root/"+whl, 0),
				file(whl, "https://cdn.example/"+whl, 0), file(whl, "https://index.example/simple/"+whl, 0),
			},
		},
		{
			"base", `<base href="https://cdn.example/a/"><base href="https://other.example/"><a href="b/` + whl + `">x</a>`,
			[]lock.File{file(whl, "https://cdn.example/a/b/"+whl, 0)},
		},
		{"relative base", `<base href="/files/"><a href='` + whl + `'>`, []lock.File{file(whl, "https://index.example/files/"+whl, 0)}},
		{"yanked files stay", `{"files":[{"filename":"` + whl + `","url":"` + whl + `","hashes":{},"yanked":"broken"}]}`, []lock.File{file(whl, page+whl, 0)}},
		{"yanked links stay", `<a data-yanked="broken" href="` + whl + `">`, []lock.File{file(whl, page+whl, 0)}},
		{
			"entities", `<a href="x?a=1&amp;b=2">no</a><a href="/f/idna&#45;3.10-py3-none-any.whl?a=1&amp;b=2#sha256=` + a + `&amp;egg=idna">`,
			[]lock.File{file("x", page+"x?a=1&b=2", 0), file(whl, "https://index.example/f/"+whl+"?a=1&b=2", 0, sha256("a"))},
		},
		{
			"several digests", `<a href="` + whl + `#md5=` + md5 + `&sha256=` + strings.ToUpper(a) + `">`,
			[]lock.File{file(whl, page+whl, 0, lock.Hash{Algorithm: "md5", Hex: md5}, sha256("a"))},
		},
		{
			"local version", `<a href="torch-2.3.0%2Bcpu-cp311-cp311-linux_x86_64.whl">`,
			[]lock.File{file("torch-2.3.0+cpu-cp311-cp311-linux_x86_64.whl", page+"torch-2.3.0%2Bcpu-cp311-cp311-linux_x86_64.whl", 0)},
		},
		{"credentials", `<a href="https://user:s3cret@files.example/` + whl + `">`, []lock.File{file(whl, "https://files.example/"+whl, 0)}},
		{"upper case tags", `<A HREF="` + whl + `">x</A>`, []lock.File{file(whl, page+whl, 0)}},
		{"unclosed", `<a href="` + whl + `">x<a href="b.whl`, []lock.File{file(whl, page+whl, 0)}},
		{"links in comments and scripts", `<!-- <a href="a.whl"> --><script>"<a href='b.whl'>"</script><a href="` + whl + `">`, []lock.File{file(whl, page+whl, 0)}},
		{"byte order mark", "\ufeff {\"files\":[]}", []lock.File{}},
		{"no digest of a digest's form", `<a href="` + whl + `#sha256=abc">`, []lock.File{file(whl, page+whl, 0)}},
		{"null for everything", `{"files":[{"filename":"` + whl + `","url":"` + whl + `","hashes":null,"size":null}],"meta":null}`, []lock.File{file(whl, page+whl, 0)}},
		{"a login page", `<html><form action="/login"><input name="user"></form></html>`, nil},
		{"nothing", "", nil},
	}
	for _, test := range tests {
		got, err := index.Parse(page, []byte(test.page))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", test.name, err, got, test.want)
		}
	}
}

// TestHostileEntries: what cannot be fetched or is no file is passed over.
func TestHostileEntries(t *testing.T) {
	for _, href := range []string{
		"file:///etc/passwd", "ftp://h/a.whl", "javascript:alert(1)", "data:text/html,x", "mailto:a@b", "https:///a.whl", "http:a.whl:b",
		"https://h/a/", "https://h/..", "https://h/%2e%2e", "https://h/a%2fb.whl", "https://h/a%00.whl", "https://h/%zz", "://", "https://h:port/a.whl", "",
	} {
		if got, err := index.Parse(page, []byte(`<a href="`+href+`">x</a>`)); err != nil || len(got) > 0 && href != "http:a.whl:b" {
			t.Errorf("%q gives %v %v", href, got, err)
		}
	}
	for _, name := range []string{"", "..", "../a.whl", "a/b.whl", `a\\b.whl`, `a\u0000.whl`} {
		if got, err := index.Parse(page, []byte(`{"files":[{"filename":"`+name+`","url":"https://h/a.whl"}]}`)); err != nil || len(got) > 0 {
			t.Errorf("file name %q gives %v %v", name, got, err)
		}
	}
}

func TestBadPages(t *testing.T) {
	tests := []struct{ page, want string }{
		{`{"meta":{"api-version":"2.0"},"files":[]}`, `version "2.0" of the Simple API`},
		{`<meta name="pypi:repository-version" content="2.0"><a href="a.whl">`, `version "2.0" of the Simple API`},
		{`{"files":`, "no valid JSON"},
		{`{"files":{}}`, "no valid JSON"},
		{`{"files":[{"filename":1}]}`, "no valid JSON"},
		{strings.Repeat(`{"a":`, 20000), "no valid JSON"},
		{`<a href="` + strings.Repeat("a", 2<<20) + `">`, "no valid HTML"},
		{strings.Repeat(" ", index.MaxBytes+1), "more than"},
	}
	for _, test := range tests {
		_, err := index.Parse(page, []byte(test.page))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.50q gives %v, want %q", test.page, err, test.want)
		}
	}
	if _, err := index.Parse("https://h:port/", nil); err == nil {
		t.Error("a page without a valid URL is read")
	}
}

// FuzzParse: no page gives a file that could not be fetched, or whose name
// leaves a folder.
func FuzzParse(f *testing.F) {
	f.Add(`{"meta":{"api-version":"1.0"},"files":[{"filename":"a.whl","url":"a.whl","hashes":{"sha256":"00"},"size":1}]}`)
	f.Add(`<base href="/x/"><a href="a-1-py3-none-any.whl#sha256=00&amp;egg=a" data-yanked>a</a>`)
	f.Add(`<meta name="pypi:repository-version" content="1.9"><A HREF='//h/a%2Bb.whl?x=1'`)
	f.Add("\ufeff{\"files\":[null,{}]}")
	f.Fuzz(func(t *testing.T, text string) {
		files, err := index.Parse(page, []byte(text))
		if err != nil && files != nil {
			t.Error("files beside an error")
		}
		for _, file := range files {
			http := strings.HasPrefix(file.URL, "https://") || strings.HasPrefix(file.URL, "http://")
			if !http || file.Name == "" || strings.ContainsAny(file.Name, "/\\\x00") || file.Name == ".." || file.Size < 0 {
				t.Errorf("file %+v", file)
			}
			for _, h := range file.Hashes {
				if _, err := lock.NewHash(h.Algorithm, h.Hex); err != nil {
					t.Errorf("hash %+v", h)
				}
			}
		}
	})
}
