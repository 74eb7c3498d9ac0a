# make deps      install what the rest needs, on Debian as root
# make test      all tests, on a real BuildKit
# make lint      format, vet, staticcheck
# make demo      from nothing to a running image
# make bench     benchmarks
# make fuzz      every fuzz target for half a minute
# make engine    start the test engine; eval "$(make -s engine)" exports where it is
# make stop      end it
# make clean     end it and remove all that it made

engine  = go run ./internal/testengine/enginectl
tests  ?= ./...

.PHONY: deps test lint demo bench fuzz engine stop clean

engine:
	@$(engine) up

stop:
	@$(engine) down

clean: stop
	rm -rf .engine
