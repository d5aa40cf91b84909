# Everything that a person or CI runs. Each target says what it is doing; the work is in scripts/.
# Compiled dependencies live outside of the clone and are shared by all of them: see CARGO_TARGET_DIR.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(HOME)/.cache/sensorium/target
ARGS ?=

.PHONY: help run build test bench-pixel bench-idle screenshot clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## Install what is missing, build, and start Sensorium with its data under ./data (ARGS="--http 127.0.0.1:9000")
	@exec "$(CARGO_TARGET_DIR)/debug/sensorium" serve --data-dir ./data $(ARGS)

build: ## Install what is missing and build the web page and the binary
	@scripts/install.sh run
	@scripts/build.sh

test: ## Everything that CI does: format, lints, tidy, Rust tests, web tests, end-to-end tests in Chromium
	@scripts/install.sh test
	@scripts/test.sh

bench-pixel: build ## Measure the time from a POST to the pixel in Chromium
	@scripts/install.sh test
	@cargo run --quiet -p sensorium-bench -- pixel --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-idle: build ## Measure start-up, memory and processor time of a server that only samples its host
	@cargo run --quiet -p sensorium-bench -- idle --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

screenshot: build ## Make docs/images/overview.png anew
	@scripts/install.sh test
	@cd web && SENSORIUM_BIN="$(CARGO_TARGET_DIR)/debug/sensorium" npm run --silent screenshot

clean: ## Delete what was built in this clone (compiled dependencies stay: delete $(CARGO_TARGET_DIR) for those)
	rm -rf web/dist web/node_modules
