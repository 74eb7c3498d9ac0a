package frontend

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// checkCaps refuses what the client demands of a frontend and this one cannot
// do ("frontend.caps", as frontend/dockerfile/builder/caps.go has it). The
// frontend image's label moby.buildkit.frontend.caps lists the same.
func checkCaps(demanded string) error {
	if demanded == "" {
		return nil
	}
	known := []string{
		"moby.buildkit.frontend.inputs",
		"moby.buildkit.frontend.subrequests",
		"moby.buildkit.frontend.contexts",
	}
	for c := range strings.SplitSeq(demanded, ",") {
		name, _, _ := strings.Cut(c, "+")
		if !slices.Contains(known, name) {
			return grpcerrors.WrapCode(errdefs.NewUnsupportedFrontendCapError(name), codes.Unimplemented)
		}
	}
	return nil
}
