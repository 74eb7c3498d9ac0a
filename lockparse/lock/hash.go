package lock

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// NewHash makes a Hash of an algorithm and the digest in hexadecimal, in
// lower case. The algorithms are those that every Python has; of one that is
// not known the length of the digest is not checked.
func NewHash(algorithm, digest string) (Hash, error) {
	sizes := map[string]int{
		"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64,
		"sha3_224": 28, "sha3_256": 32, "sha3_384": 48, "sha3_512": 64, "blake2b": 64, "blake2s": 32,
	}
	h := Hash{Algorithm: strings.ToLower(algorithm), Hex: strings.ToLower(digest)}
	decoded, err := hex.DecodeString(h.Hex)
	size, known := sizes[h.Algorithm]
	switch {
	case h.Algorithm == "":
		return Hash{}, fmt.Errorf("the digest %q has no algorithm", digest)
	case err != nil || len(decoded) == 0:
		return Hash{}, fmt.Errorf("%q is no digest in hexadecimal", digest)
	case known && len(decoded) != size:
		return Hash{}, fmt.Errorf("%q has %d digits, a %s digest has %d", digest, len(digest), h.Algorithm, 2*size)
	}
	return h, nil
}
