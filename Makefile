# Everything that a person or CI runs. Each target says what it is doing; the work is in scripts/.
# Compiled dependencies live outside of the clone and are shared by all of them: see CARGO_TARGET_DIR.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(HOME)/.cache/sensorium/target
ARGS ?=

.PHONY: help run build build-bench test bench bench-pixel bench-idle bench-influx bench-influxql bench-mqtt bench-coap bench-detections bench-large screenshot clean

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

# The whole workspace is selected, as everywhere, so that dependencies have the same features and are compiled once.
build-bench: build
	@cargo build --quiet --locked --workspace --bin sensorium-bench

bench: bench-idle bench-pixel bench-influx bench-influxql bench-mqtt bench-coap bench-large bench-detections ## Run all measurements, one after the other

bench-pixel: build-bench ## Measure the time from a POST to the pixel in Chromium
	@scripts/install.sh test
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" pixel --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-idle: build-bench ## Measure start-up, memory and processor time of a server that only samples its host
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" idle --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-influx: build-bench ## Compare ingest, memory, disk and queries with InfluxDB 1.6 on the same data (ARGS="--rows 100000")
	@scripts/install.sh bench
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" influx --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-influxql: build-bench ## Compare questions in InfluxQL with InfluxDB 1.6 on the same data, and measure memory at the laboratory's load
	@scripts/install.sh bench
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" influxql --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-mqtt: build-bench ## Compare messages, acknowledgements and memory of MQTT with Mosquitto 2.0 (ARGS="--only gateway --seconds 3")
	@scripts/install.sh bench
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" mqtt --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-coap: build-bench ## Compare CoAP with libcoap and the laboratory's server (ARGS="--only libcoap --only sensorium --seconds 3 --rounds 1")
	@scripts/install.sh test
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" coap --binary "$(CARGO_TARGET_DIR)/debug/sensorium" \
		--python "$${XDG_CACHE_HOME:-$$HOME/.cache}/sensorium/python/bin/python3" $(ARGS)

bench-detections: build-bench ## Measure 100,000 detections a second of 200 cameras for ten minutes (ARGS="--seconds 60")
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" detections --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

bench-large: build-bench ## Measure a restart with 100 million points (ARGS="--points 1000000")
	@"$(CARGO_TARGET_DIR)/debug/sensorium-bench" large --binary "$(CARGO_TARGET_DIR)/debug/sensorium" $(ARGS)

screenshot: build ## Make docs/images/overview.png anew
	@scripts/install.sh test
	@cd web && SENSORIUM_BIN="$(CARGO_TARGET_DIR)/debug/sensorium" npm run --silent screenshot

clean: ## Delete what was built in this clone (compiled dependencies stay: delete $(CARGO_TARGET_DIR) for those)
	rm -rf web/dist web/node_modules
