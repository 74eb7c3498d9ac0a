// Command imagespec-frontend is the entrypoint of the frontend image. BuildKit
// starts it in a container without network and talks to it over stdin and
// stdout; there is nothing to run by hand.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // a faster codec than gRPC's own

	"github.com/imagespec/imagespec/frontend"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "imagespec-frontend:", err) // reaches the engine's log
		os.Exit(1)
	}
}
