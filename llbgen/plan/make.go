package plan

import (
	"cmp"
	"errors"
)

func join(errs []error) error { return errors.Join(errs...) }

func compare(a, b string) int { return cmp.Compare(a, b) }
