package frontend

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// epoch is the time that the client wants in the image instead of the clock's:
// seconds since 1970, or "context" for that of the commit or file that the
// build context is. Nil leaves it to the exporter.
func (b *build) epoch(ctx context.Context) (*time.Time, error) {
	value := b.ui.BuildArgs["SOURCE_DATE_EPOCH"]
	switch value {
	case "":
		return nil, nil
	case "context":
		return b.ui.ResolveMainContextSourceDateEpoch(ctx)
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("build arg SOURCE_DATE_EPOCH is %q: it has to be a number of seconds since 1970, or \"context\"", value)
	}
	t := time.Unix(seconds, 0).UTC()
	return &t, nil
}
