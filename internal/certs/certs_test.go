package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// TestPEM: every block is an authority's certificate, and one that everybody
// knows is among them.
func TestPEM(t *testing.T) {
	rest := PEM()
	if !bytes.Equal(rest, PEM()) {
		t.Error("two calls differ")
	}
	var names []string
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !cert.IsCA {
			t.Errorf("authority %v: %v", cert, err)
			continue
		}
		names = append(names, cert.Subject.CommonName)
	}
	if len(names) < 100 || !strings.Contains(strings.Join(names, ";"), "ISRG Root X1") || len(rest) > 0 {
		t.Errorf("%d roots %q, then %q", len(names), names, rest)
	}
}
