# Every target says what it does: `make help`.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFLAGS_BUILD := -trimpath -ldflags '$(LDFLAGS)'

.PHONY: help
help: ## Show what each target does
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/trueup, one static binary
	@echo "building bin/trueup $(VERSION) (the first build compiles the Kubernetes and Helm libraries: a few minutes)"
	@CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/trueup ./cmd/trueup

.PHONY: test
test: ## Run every test of the main module, under the race detector where there is concurrency
	@echo "running unit, golden and layer tests (the first run compiles the Kubernetes and Helm libraries: a few minutes)"
	go test ./...
	$(if $(RACE_PACKAGES),go test -race $(RACE_PACKAGES))

.PHONY: lint
lint: ## Check formatting and vet; the size budgets and the layers are tests in internal/layer
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	go vet ./...

.PHONY: generate
generate: ## Regenerate deepcopy code, CRDs and the built-in schema
	go generate ./...

.PHONY: bench
bench: ## Run the benchmarks in the tree
	go test -run '^$$' -bench . -benchmem ./...

# Packages that own goroutines.
RACE_PACKAGES := $(wildcard ./internal/git ./internal/kustomize ./internal/history ./internal/kube ./reconcile/apply ./agent/controller)
