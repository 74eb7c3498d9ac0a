package lock_test

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/lock"
)

func TestStripCredentials(t *testing.T) {
	tests := []struct {
		raw, want string
		secret    bool
	}{
		{"https://pypi.org/simple", "https://pypi.org/simple", false},
		{"https://user:pass@host/a.whl", "https://host/a.whl", true},
		{"https://token@host", "https://host", true},
		{"HTTPS://user:p@ss@host:8080/a?b@c#d@e", "HTTPS://host:8080/a?b@c#d@e", true},
		{"http://public:heron@[LOCALHOST]/files/a.whl", "http://[LOCALHOST]/files/a.whl", true},
		{"https://host/a@1.0.whl", "https://host/a@1.0.whl", false},
		{"https://host?x=a@b", "https://host?x=a@b", false},
		{"ssh://git@github.com/o/r", "ssh://git@github.com/o/r", false},
		{"ssh://git:secret@github.com/o/r", "ssh://git@github.com/o/r", true},
		{"git+https://user:pass@host/r", "git+https://host/r", true},
		{"file:///links/a.whl", "file:///links/a.whl", false},
		{"../links", "../links", false},
		{"", "", false},
	}
	for _, test := range tests {
		got, secret := lock.StripCredentials(test.raw)
		if got != test.want || secret != test.secret {
			t.Errorf("%s gives %s, %t; want %s, %t", test.raw, got, secret, test.want, test.secret)
		}
	}
}

func TestFileName(t *testing.T) {
	tests := []struct{ location, want string }{
		{"https://files.pythonhosted.org/packages/ab/a-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl"},
		{"https://host/torch-2.3.0%2Bcpu-cp312-cp312-linux_x86_64.whl", "torch-2.3.0+cpu-cp312-cp312-linux_x86_64.whl"},
		{"https://host/a.whl?x=/b.whl#sha256=/c", "a.whl"},
		{"wheels/a.whl", "a.whl"},
		{"wheels/100%25.whl", "100%25.whl"},
		{"a.whl", "a.whl"},
		{"https://host/", ""},
		{"https://host/..", ""},
		{"https://host/%2e%2e", ""},
		{"https://host/..%2f..%2fetc%2fpasswd", ""},
		{"https://host/a%5cb.whl", ""},
		{"https://host/a%0ab.whl", ""},
		{"https://host/a%zz.whl", ""},
	}
	for _, test := range tests {
		if got := lock.FileName(test.location); got != test.want {
			t.Errorf("%s gives %q, want %q", test.location, got, test.want)
		}
	}
}

func FuzzURLs(f *testing.F) {
	f.Add("https://user:p@ss@host/a%2Fb.whl?x#y")
	f.Add("ssh://git@github.com/o/r")
	f.Fuzz(func(t *testing.T, raw string) {
		once, _ := lock.StripCredentials(raw)
		if twice, secret := lock.StripCredentials(once); twice != once || secret {
			t.Fatalf("%q still has credentials", once)
		}
		if name := lock.FileName(raw); strings.ContainsAny(name, "/\\\x00") || name == ".." {
			t.Fatalf("%q has the file name %q", raw, name)
		}
	})
}
