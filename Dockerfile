# The image of the frontend, which a file's syntax line names, and of the
# helpers that the frontend mounts into the steps of its builds: the installer
# of wheels, the compiler of their modules, the maker of the user, the
# memory of what indexes have, what computes digests for the tag, and what runs
# uv to resolve.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t NAME --push .
#
# Everything is compiled on the build's own platform, so no emulation is
# needed. The same sources give the same bytes: no paths, version control
# state, build ids or times get into them. With SOURCE_DATE_EPOCH as build
# argument and rewrite-timestamp=true the whole image is reproducible.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
# Go's own settings for networks where modules come from elsewhere.
ARG GOPROXY GONOPROXY GOSUMDB GONOSUMDB GOPRIVATE
COPY . .
ARG TARGETOS TARGETARCH
# Where HTTPS passes through a proxy with a certificate authority of its own,
# the secret ca-certificates replaces the image's bundle for this step.
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    for name in frontend install account digest memo resolve; do \
        GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags="-s -w -buildid=" \
            -o /out/$name/bin/imagespec-$name ./cmd/imagespec-$name || exit; \
    done && \
    install -D -m 644 internal/bytecode/compile.py /out/install/lib/imagespec/compile.py && \
    find /out -exec touch -d @0 {} +

FROM scratch
LABEL org.opencontainers.image.title="imagespec" \
      org.opencontainers.image.description="BuildKit frontend for ImageSpec files" \
      org.opencontainers.image.source="https://github.com/imagespec/imagespec" \
      moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
# The bytes of installer and compiler are part of the cache key of what they
# make. In a layer below the frontend's they stay as they are when only the
# frontend changes.
COPY --link --from=build /out/install/ /
COPY --link --from=build /out/account/ /
COPY --link --from=build /out/digest/ /
COPY --link --from=build /out/memo/ /
COPY --link --from=build /out/resolve/ /
COPY --link --from=build /out/frontend/ /
ENTRYPOINT ["/bin/imagespec-frontend"]
