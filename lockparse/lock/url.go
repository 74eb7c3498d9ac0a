package lock

import (
	"encoding/hex"
	"net/url"
	"strings"
)

// StripCredentials takes user and password out of a URL and says whether it
// had a secret. The user name of a protocol other than HTTP is no secret and
// stays: ssh://git@host means nothing without it. URLs are taken apart as
// text, so that one that net/url would refuse is stripped too.
func StripCredentials(raw string) (string, bool) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw, false
	}
	authority, path := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, path = rest[:end], rest[end:]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return raw, false
	}
	user, _, secret := strings.Cut(authority[:at], ":")
	host := authority[at+1:]
	if !strings.HasSuffix(strings.ToLower(scheme), "http") && !strings.HasSuffix(strings.ToLower(scheme), "https") {
		return scheme + "://" + user + "@" + host + path, secret
	}
	return scheme + "://" + host + path, true
}

// FileName gives the name of the file that a URL or path ends with, decoded:
// "a-1.0%2Bcpu.whl" → "a-1.0+cpu.whl". It is empty where that is no name of a
// file, such as ".." or one with a slash.
func FileName(location string) string {
	isURL := strings.Contains(location, "://")
	if isURL {
		location, _, _ = strings.Cut(location, "#")
		location, _, _ = strings.Cut(location, "?")
	}
	name := location[strings.LastIndexByte(location, '/')+1:]
	if isURL {
		decoded, err := url.PathUnescape(name)
		if err != nil {
			return ""
		}
		name = decoded
	}
	if name == "." || name == ".." || strings.ContainsFunc(name, notInFileName) {
		return ""
	}
	return name
}

func notInFileName(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }

// IsCommit says whether the text is a full object id of Git, SHA-1 or SHA-256:
// anything shorter may mean another commit tomorrow.
func IsCommit(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && (len(text) == 40 || len(text) == 64)
}

// SplitRepository takes the URL of a repository apart, which may be one of
// pip, "git+https://host/path@ref#subdirectory=dir", or one of Git, such as
// "git@host:path".
func SplitRepository(location string) (address, ref, subdirectory string) {
	address, fragment, _ := strings.Cut(strings.TrimPrefix(location, "git+"), "#")
	for _, part := range strings.Split(fragment, "&") {
		if value, ok := strings.CutPrefix(part, "subdirectory="); ok {
			subdirectory = value
		}
	}
	if !strings.Contains(address, "://") {
		address = "ssh://" + strings.Replace(address, ":", "/", 1)
	}
	scheme, rest, _ := strings.Cut(address, "://")
	host, place, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(place, '@'); i >= 0 {
		place, ref = place[:i], place[i+1:]
	}
	return scheme + "://" + host + "/" + place, ref, subdirectory
}
