package resolver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/imagespec/imagespec/internal/certs"
)

// Secrets is a folder in which a step has the secrets that the client has
// given. All of them may be missing:
//
//	ca-certificates      certificate authorities to trust beside Mozilla's
//	netrc                in the form of curl
//	auth/HOST/header     the header Authorization for a host
//	auth/HOST/token      a bearer token for a host
type Secrets string

// HeaderFile and TokenFile name the secrets of a host.
func HeaderFile(host string) string { return "auth/" + host + "/header" }

// TokenFile is HeaderFile for a token.
func TokenFile(host string) string { return "auth/" + host + "/token" }

// Names of the other secrets.
const (
	AuthoritiesFile = "ca-certificates"
	NetrcFile       = "netrc"
)

// read gives a secret without white space around it, empty if there is none.
func (s Secrets) read(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(string(s), filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// Env gives the environment in which uv uses the secrets for the origins. What
// it needs of files is written to a folder that must be in no layer.
func (s Secrets) Env(dir string, origins []string) ([]string, error) {
	var env []string
	own, err := s.read(AuthoritiesFile)
	if err != nil {
		return nil, err
	}
	if own != "" {
		file := filepath.Join(dir, "ca-certificates.crt")
		env = append(env, "SSL_CERT_FILE="+file, "GIT_SSL_CAINFO="+file)
		if err := os.WriteFile(file, authorities(own), 0o600); err != nil {
			return nil, err
		}
	}
	if netrc, err := s.read(NetrcFile); err != nil {
		return nil, err
	} else if netrc != "" {
		env = append(env, "NETRC="+filepath.Join(string(s), NetrcFile))
	}
	var credentials []map[string]string
	for _, origin := range origins {
		header, err := s.header(origin)
		if err != nil {
			return nil, err
		}
		if c := credential(origin, header); c != nil {
			credentials = append(credentials, c)
		}
	}
	if len(credentials) == 0 {
		return env, nil
	}
	data, err := toml.Marshal(map[string]any{"credential": credentials})
	if err != nil {
		return nil, err
	}
	return append(env, "UV_CREDENTIALS_DIR="+dir), os.WriteFile(filepath.Join(dir, "credentials.toml"), data, 0o600)
}

// authorities are PEM certificates: Mozilla's and the client's.
func authorities(own string) []byte {
	return append(certs.PEM(), own+"\n"...)
}

// header gives the header Authorization for an origin, as BuildKit makes it of
// the same secrets; empty if there is none.
func (s Secrets) header(origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", err
	}
	header, err := s.read(HeaderFile(u.Hostname()))
	if header != "" || err != nil {
		return header, err
	}
	token, err := s.read(TokenFile(u.Hostname()))
	if token == "" || err != nil {
		return "", err
	}
	return "Bearer " + token, nil
}

// credential makes of a header what uv has in its store of credentials, nil if
// it is of no kind that uv knows.
func credential(origin, header string) map[string]string {
	scheme, value, _ := strings.Cut(header, " ")
	value = strings.TrimSpace(value)
	switch strings.ToLower(scheme) {
	case "bearer":
		return map[string]string{"service": origin, "scheme": "bearer", "token": value}
	case "basic":
		decoded, err := base64.StdEncoding.DecodeString(value)
		user, password, ok := strings.Cut(string(decoded), ":")
		if err == nil && ok {
			return map[string]string{"service": origin, "scheme": "basic", "username": user, "password": password}
		}
	}
	return nil
}

// String keeps the secrets out of messages.
func (s Secrets) String() string { return fmt.Sprintf("secrets in %s", string(s)) }
