# `make help` says what there is. GNU make 4.3 or later, any POSIX shell.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

GO ?= go
BUILD := build
TOOLS := $(CURDIR)/.tools

STATICCHECK_VERSION := v0.8.2
STATICCHECK := $(TOOLS)/staticcheck-$(STATICCHECK_VERSION)/staticcheck

# The wasip1 build of the filter and of what it is made of.
WASM := GOOS=wasip1 GOARCH=wasm

# The ports of `make run`; make run SITE_PORT=8081, say, chooses another.
SITE_PORT ?= 8080
APP_PORT ?= 3000
PUBLIC_PORT ?= 9401
PRIVATE_PORT ?= 9402

# More for make bench-envoy: BENCH_FLAGS='-responses 1000000', say.
BENCH_FLAGS ?=

.PHONY: help
help: ## say what each target is for
	@echo 'edgecsp: make run to see it, make test to test it.'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{ printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'ENVOY=/path and CHROMIUM=/path name an Envoy (1.33 or later) and a Chromium of your own.'
	@echo 'SITE_PORT, APP_PORT, PUBLIC_PORT, PRIVATE_PORT choose the ports of make run.'

## What is built.

.PHONY: filter
filter: ## build the filter, build/edgecsp.wasm
	@echo '== the filter: $(BUILD)/edgecsp.wasm'
	@$(WASM) $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o $(BUILD)/edgecsp.wasm ./envoyfilter
	@echo "   $$(wc -c < $(BUILD)/edgecsp.wasm) bytes"

.PHONY: collector
collector: ## build the collector, build/edgecsp
	@echo '== the collector: $(BUILD)/edgecsp'
	@CGO_ENABLED=0 $(GO) build -trimpath -o $(BUILD)/edgecsp ./collector

.PHONY: demo
demo: ## build the program that make run starts, build/edgecsp-demo
	@echo '== the demo: $(BUILD)/edgecsp-demo'
	@cd e2e && CGO_ENABLED=0 $(GO) build -trimpath -o ../$(BUILD)/edgecsp-demo ./cmd/edgecsp-demo

## What is run.

.PHONY: run
run: filter collector demo ## start the demo shop behind Envoy, with the collector; Ctrl-C ends it
	@envoy=$$(e2e/tools/envoy.sh) && exec $(BUILD)/edgecsp-demo -envoy "$$envoy" -data $(BUILD)/demo \
		-site-port $(SITE_PORT) -app-port $(APP_PORT) -public-port $(PUBLIC_PORT) -private-port $(PRIVATE_PORT)

## What is tested.

.PHONY: test
test: test-unit test-wasm test-e2e ## run every test, after installing what the tests need

.PHONY: test-unit
test-unit: tools filter ## run the Go tests with the race detector, and the built filter under wazero
	@echo '== unit tests'
	$(GO) test -race -timeout 15m ./...

.PHONY: test-wasm
test-wasm: ## run core's tests compiled to wasm, under wazero
	@echo '== core as wasm'
	@$(GO) build -o $(BUILD)/wasirun ./wasmtest/cmd/wasirun
	$(WASM) $(GO) test -exec '$(CURDIR)/$(BUILD)/wasirun' -timeout 15m ./core/...

.PHONY: test-e2e
test-e2e: tools filter collector demo ## run the tests with a real Envoy and a real Chromium
	@echo '== end to end'
	@envoy=$$(e2e/tools/envoy.sh) && cd e2e && set -x && ENVOY="$$envoy" $(GO) test -race -count=1 -timeout 20m ./...

.PHONY: tools
tools: ## install what the tests need (PostgreSQL, Chromium, certutil, strace, Envoy), or say what is missing
	@e2e/tools/install.sh
	@e2e/tools/envoy.sh >/dev/null

.PHONY: bench-rewrite
bench-rewrite: ## measure the rewriter natively, in V8 (with node) and in wazero: a table, and build/bench/rewrite.json
	@$(GO) build -o $(BUILD)/wasirun ./wasmtest/cmd/wasirun
	@mkdir -p $(BUILD)/bench
	cd e2e && $(GO) run ./cmd/benchrewrite -root .. -wasirun ../$(BUILD)/wasirun -out ../$(BUILD)/bench/rewrite.json

.PHONY: soak
soak: ## send 2 GiB of pages through the filter and watch its memory (a minute or two)
	$(GO) test ./envoyfilter -run 'TestSoak$$' -soak 2147483648 -v -timeout 15m

## What is measured.

.PHONY: bench-collector
bench-collector: tools ## measure the collector: reports, pages, memory, disk (build/bench/collector.json)
	$(GO) run ./collector/bench $(BENCH_FLAGS)

.PHONY: bench-envoy
bench-envoy: filter ## measure the filter in Envoy: rates, start, memory (build/bench/envoy.json)
	@envoy=$$(e2e/tools/envoy.sh) && (cd e2e && $(GO) build -trimpath -o ../$(BUILD)/benchenvoy ./benchenvoy) && \
		$(BUILD)/benchenvoy -envoy "$$envoy" -out $(BUILD)/bench/envoy.json $(BENCH_FLAGS)

## The developer's loop.

.PHONY: check
check: tools $(STATICCHECK) ## format, vet, staticcheck, import directions and the fast tests
	@echo '== gofmt'
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "not as gofmt has it: $$unformatted"; exit 1; fi
	@echo '== vet'
	@$(GO) vet ./...
	@$(WASM) $(GO) vet ./core/... ./envoyfilter/...
	@cd e2e && $(GO) vet ./...
	@echo '== staticcheck $(STATICCHECK_VERSION)'
	@$(STATICCHECK) ./...
	@cd e2e && $(STATICCHECK) ./...
	@echo '== fast tests'
	@$(GO) test -short -timeout 2m ./...
	@cd e2e && $(GO) test -short -timeout 1m ./demo ./stack

$(STATICCHECK):
	@echo '== installing staticcheck $(STATICCHECK_VERSION) into .tools'
	@GOBIN=$(dir $@) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

.PHONY: clean
clean: ## remove what was built and the demo's data; .tools stays
	rm -rf $(BUILD)
