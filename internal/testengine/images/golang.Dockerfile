# Stand-in for docker.io/library/golang:X.Y-bookworm: this machine's own Go
# toolchain on Debian, without a C compiler.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=goroot bin /usr/local/go/bin
COPY --from=goroot pkg /usr/local/go/pkg
COPY --from=goroot src /usr/local/go/src
COPY --from=goroot lib /usr/local/go/lib
COPY --from=goroot VERSION go.env /usr/local/go/
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /go
CMD ["bash"]
