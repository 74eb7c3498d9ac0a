# make deps      install what the rest needs, on Debian as root
# make test      all tests, on a real BuildKit
# make lint      format, vet, staticcheck, import directions
# make demo      from nothing to a running image
# make bench     benchmarks: of functions, then of builds beside a Dockerfile
# make fuzz      every fuzz target for a while: make fuzz fuzztime=5m packages=./lockparse/...
# make engine    start the test engine; eval "$(make engine --silent)" exports where it is
# make stop      end it
# make clean     end it and remove all that it made

fuzztime ?= 30s
packages ?= ./...
enginectl = go run ./internal/testengine/enginectl
# deps puts Python tools there where the machine has none.
export PATH := $(PATH):$(CURDIR)/.engine/venv/bin

.PHONY: deps test lint demo bench fuzz engine stop clean

deps:
	@.ci/deps

# Tests that need an engine are skipped where there can be none, but not in CI.
test:
	@$(enginectl) up >/dev/null || test -z "$$CI"
	go test -p 2 -timeout 20m $(packages)

lint:
	@CGO_ENABLED=0 go build -C internal/tools -trimpath -ldflags="-s -w" -o $(CURDIR)/.engine/bin/ mvdan.cc/gofumpt honnef.co/go/tools/cmd/staticcheck
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs .engine/bin/gofumpt -l) && \
		if [ -n "$$unformatted" ]; then echo "gofumpt -w would change:" $$unformatted; exit 1; fi
	go vet ./...
	.engine/bin/staticcheck ./...
	go test ./internal/layering

demo:
	@.ci/demo

bench:
	go test -run '^$$' -bench . -benchmem ./...
	go run ./internal/bench

fuzz:
	@.ci/fuzz $(fuzztime) $(packages)

engine:
	@$(enginectl) up

stop:
	@$(enginectl) down

clean: stop
	rm -rf .engine
