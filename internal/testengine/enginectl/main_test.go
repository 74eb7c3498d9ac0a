package main

import (
	"strings"
	"testing"
)

// Wrong arguments are told what there is.
func TestArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "usage: enginectl up | run REF"},
		{[]string{"start"}, `"start" is no command; up, run and down are`},
		{[]string{"run"}, "run needs an image"},
	} {
		if _, err := command(t.Context(), test.args); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
	}
}
