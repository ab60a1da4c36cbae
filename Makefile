# The only commands a newcomer needs. They need git, a C compiler, Rust and Node.js with npm; what
# else is used is fetched from the crates and npm registries, and nothing asks to be root.

TARGET := $(or $(CARGO_TARGET_DIR),target)
WEB    := gateway/web
CLIENTS := tests/clients
ARGS   ?=
# Of `make soak`: of the histories and random documents together, and of each target of fuzz/ (0: none of them).
SECONDS ?= 300
FUZZ_SECONDS ?= 100
FUZZ := cargo fuzz run --fuzz-dir fuzz --sanitizer none

.DEFAULT_GOAL := help
.PHONY: help run test soak bench lint web nextest deny fuzz clients browser prerequisites

help: ## this list
	@awk -F ' *## *' '/^[a-z]+:.*## /{sub(/:.*/, "", $$1); printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: web ## build and start Millrace and its demo, data in ./data (more flags: ARGS="--listen 127.0.0.1:9000")
	cargo build --release --package gateway
	"$(TARGET)/release/millrace" serve --demo --data ./data $(ARGS)

test: web nextest clients browser ## build everything and run every test
	cargo build --workspace --bins
	cargo nextest run --workspace $(ARGS)

soak: SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))
soak: web nextest fuzz ## play random histories under fault and random GraphQL for so long (an hour: SECONDS=3600; the same again: SEED=7), then feed made-up bytes to what reads them (FUZZ_SECONDS=1200)
	cargo build --workspace --bins
	@echo "Histories and documents from seed $(SEED) on, for $(SECONDS) seconds"
	MILLRACE_SEED=$(SEED) MILLRACE_SECONDS=$(SECONDS) cargo nextest run --package tests \
	  --test-threads 4 --no-fail-fast --success-output final -E 'test(/^(histories|documents)::/)' $(ARGS) \
	  || { echo "They were those from seed $(SEED) on" >&2; exit 1; }
	@set -e; export CARGO_TARGET_DIR="$(abspath $(TARGET))/fuzz"; test "$(FUZZ_SECONDS)" -gt 0 || exit 0; \
	for target in $$(cargo fuzz list --fuzz-dir fuzz); do \
	  echo "Made-up $$target from seed $(SEED) on, for $(FUZZ_SECONDS) seconds"; \
	  found="$$CARGO_TARGET_DIR/found/$$target"; mkdir -p "$$found"; \
	  $(FUZZ) "$$target" "$$found" "fuzz/corpus/$$target" -- -verbosity=0 -print_funcs=0 -print_final_stats=1 \
	    -seed=$(SEED) -max_total_time=$(FUZZ_SECONDS) -timeout=10; \
	done

bench: web ## measure the goals (some of them: ARGS="append_64 oversell"; only to try it: ARGS=--quick)
	cargo build --release --workspace --bins
	cargo bench --package benches --bench goals -- $(ARGS)

lint: web deny ## formatting, clippy, licences and sources of the dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo fetch --quiet
	cargo deny --offline --log-level error check bans licenses sources

# npm writes .package-lock.json last, so it tells whether the installation is whole and current.
web: $(WEB)/node_modules/.package-lock.json ## fetch what the browser pages are made of
$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json | prerequisites
	@echo "Fetching GraphiQL, and PostgreSQL for machines that have none, from npm (about 70 MB, once)"
	cd $(WEB) && npm ci --no-audit --no-fund --ignore-scripts=false
	@touch $@

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json | prerequisites
	@echo "Fetching programs that the tests hold against the gateway from npm (about 40 MB, once)"
	cd $(CLIENTS) && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

nextest: VERSION = 0.9
deny: VERSION = 0.20
fuzz: VERSION = 0.13
nextest deny fuzz: prerequisites
	@cargo $@ --version >/dev/null 2>&1 || { \
	  echo "Installing cargo-$@ $(VERSION) from crates.io (a few minutes, once)"; \
	  env -u CARGO_TARGET_DIR cargo install cargo-$@ --version "^$(VERSION)" --locked; }

# What the README has one type is a test, and needs curl and psql; exports are read back by DuckDB,
# which pip installs into a Python environment of its own under the target directory; and GraphQL
# clients from npm talk to the gateway.
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)
clients: $(CLIENTS)/node_modules/.package-lock.json
	@command -v curl >/dev/null && command -v psql >/dev/null \
	  && python3 -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Installing curl, psql and python3-venv from Debian's packages, for the tests"; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) apt-get install -y -qq --no-install-recommends curl ca-certificates postgresql-client \
	    python3-venv \
	  || { echo "missing: curl, psql and python3 with venv; have them installed, and try again" >&2; \
	    exit 1; }; }

# Chromium opens the pages: that of the environment variable CHROMIUM, or the one there is. Only
# root is not asked.
browser:
	@test -x "$(CHROMIUM)" || for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null && exit 0; done \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && echo "Installing chromium from Debian's packages, for the tests of the pages" \
	  && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	|| { echo "missing: chromium; have it installed (apt install chromium), or say where it is:" \
	    "CHROMIUM=/path/to/chromium make test" >&2; exit 1; }

prerequisites:
	@absent=; need() { command -v $$1 >/dev/null || { echo "missing: $$1 ($$2)" >&2; absent=1; }; }; \
	need cargo "Rust 1.95 or newer: https://rustup.rs"; \
	need npm "Node.js 18 or newer with npm: https://nodejs.org, or apt install nodejs npm"; \
	need cc "a C compiler: apt install build-essential, or xcode-select --install"; \
	test -z "$$absent"
