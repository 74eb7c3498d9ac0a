package frontend

import "testing"

func TestScans(t *testing.T) {
	for _, tc := range []struct {
		argument, name string
		want           bool
	}{
		{"", "context", false},
		{"true", "context", true},
		{"1", "numpy", true},
		{"false", "numpy", false},
		{"scipy,NumPy", "numpy", true},
		{"scipy", "numpy", false},
	} {
		if got := scans(tc.argument, tc.name); got != tc.want {
			t.Errorf("%q asks for the scan of %s: %t, want %t", tc.argument, tc.name, got, tc.want)
		}
	}
}
