package lock

import (
	"errors"

	"github.com/imagespec/imagespec/internal/diag"
)

// Reason is the type of a mistake, for errors.Is and errors.As: every error
// of this package and of the formats is a *diag.Error that wraps one.
type Reason string

// The reasons for which a lock is refused.
const (
	Malformed           Reason = "malformed lock"             // not what the tool that writes the format would write
	UnsupportedFormat   Reason = "unsupported lock format"    // a file that is no lock we read
	UnsupportedVersion  Reason = "unsupported lock version"   // of a format that is known
	WrongPython         Reason = "unsupported Python version" // the target's Python is outside requires-python
	UnsupportedPlatform Reason = "unsupported platform"       // the lock was not made for the target
	Conflict            Reason = "conflicting request"        // extras, groups or members that exclude each other
	UnknownExtra        Reason = "unknown extra"
	UnknownGroup        Reason = "unknown dependency group"
	Stale               Reason = "stale lock" // does not fit its project, where it has to
	NotLocked           Reason = "not locked" // needs a resolver first: not all is pinned and hashed
	UnknownPackage      Reason = "unknown package"
	Ambiguous           Reason = "ambiguous selection" // two versions of one package
	NoArtifact          Reason = "no artifact"         // no file of a package fits the target and the request
	IndexUnavailable    Reason = "index unavailable"   // none was given, or it does not answer
	NotInIndex          Reason = "not in the index"    // the project, or the locked version of it
	OtherHashes         Reason = "other hashes"        // the index has the version, but not the locked files
)

// Error gives the type of the mistake.
func (r Reason) Error() string { return string(r) }

// Errorf makes an error of type r at a place. Of a cause that a %w verb adds
// it keeps the chain.
func (r Reason) Errorf(at diag.Range, format string, args ...any) *diag.Error {
	err := diag.Errorf(at, format, args...)
	if err.Err == nil {
		err.Err = r
	} else {
		err.Err = errors.Join(r, err.Err)
	}
	return err
}

// Wrap gives an error that has a place and a text already the type r.
func (r Reason) Wrap(err error) error { return &wrapped{reason: r, err: err} }

type wrapped struct {
	reason Reason
	err    error
}

func (w *wrapped) Error() string   { return w.err.Error() }
func (w *wrapped) Unwrap() []error { return []error{w.err, w.reason} }
