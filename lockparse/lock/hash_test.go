package lock_test

import (
	"strings"
	"testing"

	"github.com/imagespec/imagespec/lockparse/lock"
)

func TestNewHash(t *testing.T) {
	tests := []struct {
		algorithm, digest string
		want              lock.Hash
		err               string
	}{
		{"sha256", strings.Repeat("aB", 32), lock.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}, ""},
		{"MD5", "d41d8cd98f00b204e9800998ecf8427e", lock.Hash{Algorithm: "md5", Hex: "d41d8cd98f00b204e9800998ecf8427e"}, ""},
		{"shake_128", "d41d8cd9", lock.Hash{Algorithm: "shake_128", Hex: "d41d8cd9"}, ""},
		{"sha256", "d41d8cd9", lock.Hash{}, `"d41d8cd9" has 8 digits, a sha256 digest has 64`},
		{"sha256", "not hex", lock.Hash{}, `"not hex" is no digest in hexadecimal`},
		{"sha256", "", lock.Hash{}, `"" is no digest in hexadecimal`},
		{"", "d41d8cd9", lock.Hash{}, `the digest "d41d8cd9" has no algorithm`},
	}
	for _, test := range tests {
		got, err := lock.NewHash(test.algorithm, test.digest)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s:%s = %v, %v; want %v, %q", test.algorithm, test.digest, got, err, test.want, test.err)
		}
	}
}
