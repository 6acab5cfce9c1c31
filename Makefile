# Everything a contributor runs. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The packages that test, cover, bench and fuzz look at: make test PKGS=./worker/...
PKGS := ./...
# How long each fuzz target runs.
FUZZTIME ?= 30s
# What `volley --version` says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/volley, static
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/volley ./cmd/volley

# The tests of the worker wait much and take longest: they come first, beside the others.
.PHONY: test
test: ## Run every test under the race detector, with a real Redis, PostgreSQL, Prometheus and browser; installs what is missing
	@scripts/need.sh cc redis-server postgresql systemd chromium prometheus
	@status=0; \
	if [[ "$(PKGS)" == ./... ]]; then (cd e2e/deploy && go test -count=1 ./...) || status=$$?; fi; \
	CGO_ENABLED=1 go test -race -count=1 -timeout 15m $(if $(filter ./...,$(PKGS)),-p 3 ./worker) $(PKGS) || status=$$?; \
	exit $$status

.PHONY: test-faults
test-faults: ## Kill workers and Redis in large campaigns; VOLLEY_FAULT_SEED=N repeats a run
	@scripts/need.sh cc redis-server
	VOLLEY_FAULTS=full CGO_ENABLED=1 go test -race -count=1 -v -timeout 90m ./e2e/faults

.PHONY: screenshots
screenshots: ## Take the pictures of docs/images again, by clicking through the dashboard
	@scripts/need.sh chromium
	@mkdir -p docs/images
	VOLLEY_SCREENSHOTS=$(CURDIR)/docs/images go test -count=1 ./e2e/ui

.PHONY: lint
lint: $(GOLANGCI) ## Check style, errors and who imports whom
	$(GOLANGCI) run ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## Format the code
	$(GOLANGCI) fmt ./...

.PHONY: tools
tools: $(GOLANGCI) ## Build the linter into bin/tools

# The linter is built apart from go.mod, so that its dependencies never become ours.
$(GOLANGCI):
	GOFLAGS= GOBIN=$(CURDIR)/bin/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/tools/golangci-lint $@

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@scripts/fuzz.sh $(FUZZTIME) $(PKGS)

.PHONY: cover
cover: ## Write coverage.out and print the total
	@scripts/need.sh redis-server postgresql chromium prometheus
	go test -count=1 -coverpkg=./... -coverprofile=coverage.out $(PKGS)
	@go tool cover -func=coverage.out | tail -n 1

.PHONY: bench
bench: ## Run the benchmarks
	@scripts/need.sh redis-server
	go test -run '^$$' -bench . -benchmem $(PKGS)

.PHONY: demo
demo: ## Send a sample campaign through the simulated gateways; needs no Redis
	go run ./cmd/volley demo

.PHONY: clean
clean: ## Remove what build and cover leave behind; the tools stay
	rm -rf bin/volley coverage.out
