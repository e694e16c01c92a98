# Two commands: `make demo` and `make test`. Everything else is for work on the code.
#
# One profile and one target directory for run, test, clippy and bench, so that
# RocksDB's C++ compiles once. Set CARGO_TARGET_DIR to put it elsewhere.

CARGO ?= cargo
# An edit costs seconds instead of minutes; a build from nothing is not faster.
ifndef CI
export CARGO_INCREMENTAL ?= 1
endif
CARGO_TARGET_DIR ?= $(HOME)/.cache/pulselog/target
export CARGO_TARGET_DIR
PURE_TARGET_DIR ?= $(HOME)/.cache/pulselog/pure
PULSELOG = $(CARGO_TARGET_DIR)/release/pulselog
VECTORS = $(abspath $(CURDIR)/../shared/vectors)

.DEFAULT_GOAL := help
.PHONY: help demo test pure-test stories week signatures crowd schemathesis second argocd-real faults bench pure-bench soak fmt lint pure libclang chromium pdftotext axe first-build

help: ## Say what there is.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: libclang first-build ## Build, start a log on 127.0.0.1:8080, play the story, keep serving. Ctrl-C stops.
	@$(CARGO) build --release --locked
	@$(PULSELOG) demo $(ARGS)

test: libclang chromium pdftotext axe first-build ## Run every test.
	@if [ -d "$(VECTORS)" ]; then echo "vectors: $(VECTORS)"; \
	else echo "vectors: looked for $(VECTORS), not there; tests that need them say SKIPPED"; fi
	$(CARGO) test --release --locked $(ARGS)

pure-test: ## Run the tests that need no server, or those that ARGS names: seconds after an edit.
	CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) test --release --locked --no-default-features --lib --test it -- $(ARGS)

stories: ## Tell 10,000 honest stories and audit each. STORIES=n tells n, SEED=n from that seed on.
	STORIES=$${STORIES:-10000} CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) test --release --locked \
	  --no-default-features --test it -- --nocapture honest_stories_show

week: ## Play 24 busy weeks of 200 applications and 20 agents, and fresh ones: WEEKS=n, SEED=n. Half a minute, once built.
	WEEKS=$${WEEKS:-2} CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) test --release --locked \
	  --no-default-features --test it -- --nocapture whole_weeks_are_judged

signatures: ## Ask verify_strict and ours about 20,000 signatures of each class. SIGNATURES=n of each.
	SIGNATURES=$${SIGNATURES:-20000} CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) test --release --locked \
	  --no-default-features --test it -- --nocapture proofs::signatures

crowd: libclang first-build ## 600 hostile clients of every sort, and 10,000 waiting submitters: 10 minutes. CROWD_SECONDS=n for each turn.
	CROWD=1 $(CARGO) test --release --locked --test it -- --nocapture --test-threads 1 crowd_load

schemathesis: libclang first-build ## Ask the API everything that its description allows, for 5 minutes. SCHEMATHESIS_SECONDS=n for less.
	@$(CARGO) build --release --locked
	@.ci/schemathesis $(PULSELOG) $${SCHEMATHESIS_SECONDS:-300}

second: libclang first-build ## Let the second reader (Python) read the vectors, and a fresh demo's log and packet.
	@$(CARGO) build --release --locked
	@.ci/second $(PULSELOG)

argocd-real: libclang first-build ## Follow the real Argo CD in the directory ARGOCD_REAL and hold the log against its watch: 17 minutes. CASES=a,b for some.
	@$(CARGO) build --release --locked
	@.ci/argocd-real $(PULSELOG)

faults: libclang first-build ## Kills, full disks, flips, guard games, failing system calls, power cuts: 10 minutes. FAULTS_SECONDS=n, FULL=1 for all rounds.
	FAULTS=1 $(if $(FULL),FAULTS_FULL=1) $(CARGO) test --release --locked --test it -- --nocapture --test-threads 1 fault_runs

bench: libclang first-build ## Run the benches, or what ARGS says: ARGS="--bench adds -- 5 5". See BENCHMARKS.md.
	$(CARGO) bench --locked $(ARGS)

pure-bench: ## Run the benches that need no server: ARGS="--bench verify".
	CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) bench --locked --no-default-features $(or $(ARGS),--bench verify --bench many --bench reconcile)

soak: libclang first-build ## Two million entries under mixed load: fails above 512 MiB or 1,152 descriptors. ENTRIES=n for fewer.
	$(CARGO) bench --locked --bench soak -- $(or $(ENTRIES),2000000)

fmt: ## Format.
	$(CARGO) fmt

lint: libclang first-build ## What CI asks of the code's looks.
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets --locked -- -D warnings

# What is handed on is the same whoever builds it: never of incremental parts.
# Nothing unwinds there, so it needs no tables for it.
PURE_FLAGS = --config 'build.rustflags=["-Cforce-unwind-tables=no"]'
pure: ## Build the offline verifier: no server, no RocksDB, no libclang.
	CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$(PURE_TARGET_DIR) $(CARGO) build --profile pure --locked --no-default-features $(PURE_FLAGS)
	@ls -l $(PURE_TARGET_DIR)/pure/pulselog

libclang:
	@.ci/need libclang

chromium pdftotext:
	@.ci/need $@

axe:
	@.ci/axe

first-build:
	@if ! ls "$(CARGO_TARGET_DIR)"/release/build/librocksdb-sys-*/out/librocksdb.a >/dev/null 2>&1; then \
	  echo "first build: RocksDB's C++ compiles once, about 15 minutes on 2 cores and less with more;"; \
	  echo "             it is kept in $(CARGO_TARGET_DIR) and later builds take a minute or two."; fi
