// Package certs has the certificate authorities that Mozilla trusts, for images
// without any and for steps without an image. They come from golang.org/x/crypto, which takes them from NSS;
// to update them is to update that module. Where the files belong and whether
// they are wanted is package
// account's and resolver's.
package certs

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// PEM gives all roots as one file, in the order of the module: by subject.
//
// A root that Mozilla trusts only for certificates issued before some day is
// among them, as in Debian's ca-certificates: PEM cannot say it.
func PEM() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		// Encode fails only for headers and writers; there are neither.
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
	}
	return b.Bytes()
}
