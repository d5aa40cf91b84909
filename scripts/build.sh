#!/usr/bin/env bash
# Builds the web page and then the binary, which holds the page.
source "$(dirname "$0")/lib.sh"

scripts/make-room.sh
scripts/build-web.sh
if [ ! -x "$binary" ]; then
  step "Building sensorium (the first time compiles about 500 crates: see README.md for how long that takes)"
else
  step "Building sensorium"
fi
# The whole workspace is selected, as the tests do, so that dependencies have the same features and are compiled once.
cargo build --locked --workspace --bin sensorium
