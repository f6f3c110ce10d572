SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run cluster build ollama model test e2e bench bench-peers fuzz lint web vectors tools

ARGS     ?=
FUZZTIME ?= 10s
FUZZPKGS ?= ./...
BENCH    ?= .
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
WEBTEST  := gateway/web/test

help: ## what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-11s %s\n", $$1, $$2}'

run: ## start a world on http://localhost:8080 (ARGS="-listen 0.0.0.0:8080"); needs only Go
	CGO_ENABLED=0 go build -o bin/earshot-run ./cmd/earshot
	@exec bin/earshot-run serve $(ARGS)

cluster: ## two nodes and a store on this machine, until Ctrl-C (needs redis-server or valkey-server)
	CGO_ENABLED=0 go build -o bin/earshot-cluster ./cmd/earshot
	bin/earshot-cluster loadtest cluster -stay -nodes 2 -instances 2 -out bin/cluster $(ARGS)

build: ## make bin/earshot, a static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/earshot ./cmd/earshot

# go test comes last: its lines end the output.
test: tools lint web e2e ## everything: format, vet, web client, browsers and crowd, Go under -race
	@race=-race; if ! command -v $$(go env CC) >/dev/null; then race=; \
		echo "=== no C compiler ($$(go env CC)): tests run WITHOUT the race detector; install gcc to have it ==="; fi; \
	echo "go test $$race -timeout 90m -p 2 ./..."; \
	go test -run TenThousand ./moderation/policy && \
	{ [ -z "$$race" ] || CGO_ENABLED=1 go test -tags libopus ./spatialaudio/...; } && \
	CGO_ENABLED=$${race:+1} go test $$race -timeout 90m -p 2 ./...

# These run in real time and measure it: alone, without the race detector, and
# never from the test cache, which does not know the pages and the browser.
e2e: tools ## the tests in real time: browsers, a crowd of bots, servers with planted faults
	EARSHOT_E2E=1 go test -count=1 -run E2E ./gateway
	EARSHOT_E2E=1 go test -count=1 -timeout 120m -p 1 ./cmd/earshot ./loadtest ./loadtest/run

ollama: ## build Ollama for this CPU from the pinned module, once
	@deploy/ollama/build

model: ## give a small real model, smollm2:135m, to the Ollama that runs
	@deploy/ollama/model

bench: ## benchmarks (BENCH=regexp)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 ./...

LIVEKIT ?= livekit-server
JANUS   ?= janus
PEERS   ?=

bench-peers: ## Earshot against LiveKit and Janus, into docs/performance.md (LIVEKIT=path JANUS=path PEERS="-rounds 1")
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/earshot-peers ./cmd/earshot
	bin/earshot-peers loadtest peers -livekit "$(LIVEKIT)" -janus "$(JANUS)" -out bin/peers -write docs/performance.md $(PEERS)

fuzz: ## every fuzz test of FUZZPKGS (./...) for FUZZTIME (10s), one after the other
	@set -e; for pkg in $$(go list $(FUZZPKGS)); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; done

lint: ## gofmt and go vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-clean, run gofmt -w on:" $$unformatted; exit 1; fi
	go vet ./...

web: tools ## types and tests of the web client
	cd $(WEBTEST) && npm test --silent

vectors: ## write the pose vectors anew, and check that Go and JavaScript agree on all
	go test -count=1 -run Vectors ./presence/pose -update
	go test -count=1 -run 'Vector|Golden' ./gateway/protocol ./presence/pose ./spatialaudio ./spatialaudio/zone
	cd $(WEBTEST) && npm run --silent unit

tools: ## install what the tests need: Chromium, recorded speech, node modules
	@.ci/tools
