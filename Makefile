# Every target says what it does: `make help`.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFLAGS_BUILD := -trimpath -ldflags '$(LDFLAGS)'

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trueup
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := $(CACHE)/tools/$(GOLANGCI_LINT_VERSION)/golangci-lint
GITEA_VERSION := $(shell sed -n 's|.*code.gitea.io/gitea \(v[^ ]*\).*|\1|p' internal/forgetest/gitea/go.mod)
GITEA := $(CACHE)/forge/$(GITEA_VERSION)/gitea

.PHONY: help
help: ## Show what each target does
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/trueup, one static binary
	@echo "building bin/trueup $(VERSION) (the first build compiles the Kubernetes and Helm libraries: a few minutes)"
	@CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/trueup ./cmd/trueup

.PHONY: demo
demo: build devcluster ## Show the main job on two real control planes, and leave them running
	@go run ./cmd/demo

.PHONY: demo-clean
demo-clean: devcluster ## Stop the demo and remove all it made
	@go run ./cmd/demo clean

.PHONY: devcluster
devcluster: ## Build bin/devcluster, which runs real control planes on this machine
	@go build -C internal/devcluster -o $(CURDIR)/bin/devcluster .

.PHONY: cluster-up
cluster-up: devcluster ## Start a control plane in .devcluster (the first time builds Kubernetes: about 10 minutes)
	@bin/devcluster up --dir .devcluster --clusters hub,edge

.PHONY: cluster-down
cluster-down: devcluster ## Stop the control plane and remove its data
	@bin/devcluster down --dir .devcluster --purge

.PHONY: forge
forge: $(GITEA) ## Build the Gitea that tests use, and print where it is (the first time: about 6 minutes)
	@echo $(GITEA)

# Kept by version outside the tree, with the folders that it reads.
$(GITEA):
	@echo "building Gitea $(GITEA_VERSION) from source for the tests that need a private repository (once on this machine: about 6 minutes on 2 cores)"
	@set -e; mkdir -p $(@D); new=$(@D)/new.$$$$; \
	CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -C internal/forgetest/gitea -trimpath -tags 'sqlite sqlite_unlock_notify' \
		-ldflags '-s -w -X main.Version=$(GITEA_VERSION:v%=%)' -o $$new code.gitea.io/gitea; \
	source=$$(go list -C internal/forgetest/gitea -m -f '{{.Dir}}' code.gitea.io/gitea); \
	for folder in templates options public; do cp -R $$source/$$folder $(@D)/; chmod -R u+w $(@D)/$$folder; done; \
	mv $$new $@

TEST_CLUSTERS := $(CURDIR)/.devcluster-test

# The tests talk to OpenSSH's own server.
SSHD := /usr/sbin/sshd

$(SSHD):
	@echo "installing openssh-server for the tests (apt-get)"
	@apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-server

# They look at the pages of previews in a browser. Where none can be installed, that test is skipped.
CHROMIUM := /usr/bin/chromium

$(CHROMIUM):
	@echo "installing chromium for the tests of pages (apt-get: 350 MB, about a minute)"
	@{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || echo "chromium cannot be installed: pages are not looked at in a browser"

.PHONY: test
test: devcluster $(SSHD) $(CHROMIUM) $(GITEA) ## Run every test: unit, golden, layer, and end to end on real control planes and a real Gitea
	@echo "starting two control planes for the tests (the first time builds Kubernetes from source: about 10 minutes on 2 cores)"
	@bin/devcluster down --dir $(TEST_CLUSTERS)
	@trap 'bin/devcluster down --dir $(TEST_CLUSTERS)' EXIT; \
	set -e; bin/devcluster up --dir $(TEST_CLUSTERS) --clusters hub,edge --audit; \
	echo "running the tests (the first run compiles the Kubernetes and Helm libraries: a few minutes)"; \
	export TRUEUP_TEST_CLUSTERS=$(TEST_CLUSTERS) TRUEUP_TEST_FORGE=$(GITEA); \
	echo go test ./...; go test -timeout 20m ./...; \
	echo go test -race $(RACE_PACKAGES); go test -race -timeout 20m $(RACE_PACKAGES)
	go test -C internal/devcluster ./...

FUZZTIME ?= 5000x
# Folders whose targets run; empty is all.
FUZZDIRS ?=
# By default Go spends a minute on making each new input shorter, in which hardly anything else runs.
FUZZFLAGS := -fuzzminimizetime 10x

.PHONY: fuzz
fuzz: ## Run every fuzz target for a short while (FUZZTIME, 5000 runs each; FUZZDIRS, all folders); what fails is kept in testdata/fuzz
	@set -e; git grep -Ho 'func Fuzz[A-Za-z0-9]*' -- $(if $(FUZZDIRS),$(addsuffix /*_test.go,$(FUZZDIRS)),'*_test.go') | sed 's|/[^/]*_test.go:func | |' | while read -r folder target; do \
		echo go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $(FUZZFLAGS) "./$$folder"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $(FUZZFLAGS) "./$$folder"; \
	done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run golangci-lint (the first time builds it: about 4 minutes); the layers and budgets are tests in internal/layer
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...
	go vet -C internal/devcluster ./...
	go vet -C internal/forgetest/gitea/sqlite ./...

# Kept by version outside the tree, as the programs of the test clusters are.
$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION) (once on this machine: about 4 minutes on 2 cores)"
	@GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: generate
generate: ## Regenerate deepcopy code, CRDs and the built-in schema
	go generate ./...

.PHONY: bench
bench: devcluster ## Run the benchmarks in the tree, some of them on a real control plane: 200 and 1,000 applications, 1,000 application sets (about 35 minutes)
	@bin/devcluster down --dir $(TEST_CLUSTERS)
	@trap 'bin/devcluster down --dir $(TEST_CLUSTERS)' EXIT; \
	set -e; bin/devcluster up --dir $(TEST_CLUSTERS) --clusters hub; \
	TRUEUP_TEST_CLUSTERS=$(TEST_CLUSTERS) go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./agent; \
	go test -run '^$$' -bench . -benchmem -timeout 60m $$(go list ./... | grep -v /agent)

# Packages that own goroutines.
RACE_PACKAGES := $(wildcard ./internal/git ./internal/diskcache ./internal/registry ./internal/jsonnet ./internal/kustomize ./internal/scm/rest ./internal/kube ./appset ./reconcile ./reconcile/apply ./preview/live ./preview/post ./preview/queue ./preview/trial ./agent/previews ./agent)
