package diag

import (
	"bytes"
	"regexp"
)

// Credentials in URLs: over HTTP the whole of what stands before the "@", be
// it a token alone, elsewhere the password. The user of ssh://git@host is none.
var (
	webCredentials = regexp.MustCompile(`(?i)(https?://)[^\s/?#"'<>]*@`)
	passwords      = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://[^\s/?#"'<>:@]*):[^\s/?#"'<>]*@`)
)

// Redact replaces the credentials of URLs in a file by "***", so that it can
// be shown, or sent to an engine that keeps it. Lines stay where they are.
func Redact(data []byte) []byte {
	if !bytes.Contains(data, []byte("@")) {
		return data // long files are searched often
	}
	data = webCredentials.ReplaceAll(data, []byte("${1}***@"))
	return passwords.ReplaceAll(data, []byte("${1}:***@"))
}
