package resolver

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// StatusError is that a server refuses.
type StatusError struct {
	URL    string
	Status string // "401 Unauthorized"
	Code   int
}

// refusals are the exit statuses of a step that tell which status the server
// has sent; a step has no other way to say it.
var refusals = map[int]int{101: 401, 103: 403, 104: 404, 105: 500, 106: 502, 107: 503}

// Refused gives the status of a server that an exit status stands for, 0 if it
// stands for none.
func Refused(exit int) int { return refusals[exit] }

// Exit gives the exit status of a step that ended with an error, or without one.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	var status *StatusError
	if errors.As(err, &status) {
		for exit, code := range refusals {
			if code == status.Code {
				return exit
			}
		}
	}
	return 1
}

// Error gives URL and status.
func (e *StatusError) Error() string { return fmt.Sprintf("%s: %s", e.URL, e.Status) }

// Fetch fetches a file with the secrets, and wants the digest that it has to
// have, if one is given. The header Accept may be empty; home is where a .netrc
// may be beside that of the secrets.
func (s Secrets) Fetch(ctx context.Context, location, accept, sha256Hex, file, home string) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if err := s.authorize(req, home); err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &StatusError{URL: location, Status: res.Status, Code: res.StatusCode}
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, digest), res.Body); err != nil {
		return fmt.Errorf("%s: %w", location, err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); sha256Hex != "" && got != sha256Hex {
		return fmt.Errorf("%s: its sha256 is %s, not the %s of the lock", location, got, sha256Hex)
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(file, time.Unix(0, 0), time.Unix(0, 0)) // a layer is never made of it, but its key is
}

// client trusts the authorities of the secrets.
func (s Secrets) client() (*http.Client, error) {
	own, err := s.read(AuthoritiesFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities(own))
	return &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}}, nil
}

// authorize sets the header Authorization: by the secrets of the host, else by
// a netrc.
func (s Secrets) authorize(req *http.Request, home string) error {
	header, err := s.header(req.URL.String())
	if err != nil {
		return err
	}
	if header != "" {
		req.Header.Set("Authorization", header)
		return nil
	}
	netrc, err := s.read(NetrcFile)
	if err != nil {
		return err
	}
	if netrc == "" {
		if data, err := os.ReadFile(filepath.Join(home, ".netrc")); err == nil {
			netrc = string(data)
		}
	}
	if user := login(netrc, req.URL.Hostname()); user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	return nil
}

// Known gives those of some hosts that there is a login for.
func (s Secrets) Known(hosts []string) ([]string, error) {
	netrc, err := s.read(NetrcFile)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, host := range hosts {
		header, err := s.header("https://" + host)
		if err != nil {
			return nil, err
		}
		if header != "" || login(netrc, host) != nil {
			known = append(known, host)
		}
	}
	return known, nil
}

// login gives what a netrc has for a host, nil if there is nothing.
func login(netrc, host string) *url.Userinfo {
	var user, password string
	words := strings.Fields(netrc)
	here, found := false, false
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "machine":
			if found {
				return url.UserPassword(user, password)
			}
			here = value == host
			found = here
			i++
		case "default":
			if found {
				return url.UserPassword(user, password)
			}
			here, found = true, true
		case "login":
			if i++; here {
				user = value
			}
		case "password":
			if i++; here {
				password = value
			}
		case "account":
			i++
		case "macdef":
			here = false // up to the next machine
		}
	}
	if !found {
		return nil
	}
	return url.UserPassword(user, password)
}
