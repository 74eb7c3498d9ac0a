package lock_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/lockparse/lock"
)

// Every error tells its reason, its cause and its place, however it was made.
func TestReason(t *testing.T) {
	at := diag.Range{Source: source, Line: 3}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"plain", lock.Malformed.Errorf(at, "key = %d", 1), "uv.lock:3: key = 1"},
		{"with a cause", lock.Malformed.Errorf(at, "key: %w", fs.ErrNotExist), "uv.lock:3: key: file does not exist"},
		{"wrapped", lock.Malformed.Wrap(diag.Errorf(at, "key: %w", fs.ErrNotExist)), "uv.lock:3: key: file does not exist"},
		{"wrapped again", fmt.Errorf("member: %w", lock.Malformed.Wrap(diag.Errorf(at, "key"))), "member: uv.lock:3: key"},
	}
	for _, test := range tests {
		var reason lock.Reason
		var place *diag.Error
		if !errors.Is(test.err, lock.Malformed) || errors.Is(test.err, lock.Conflict) || !errors.As(test.err, &reason) || reason != lock.Malformed {
			t.Errorf("%s: the reason is %q", test.name, reason)
		}
		if !errors.As(test.err, &place) || place.At[0] != at || len(diag.All(test.err)) != 1 {
			t.Errorf("%s: %v has no place", test.name, test.err)
		}
		if test.err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, test.err, test.want)
		}
	}
	if !errors.Is(tests[1].err, fs.ErrNotExist) || !errors.Is(tests[2].err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}
