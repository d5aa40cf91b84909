#!/usr/bin/env bash
# Makes room for a build: a linker that finds the disk full says so in a way that nobody understands.
source "$(dirname "$0")/lib.sh"

needed_kb=$((10 * 1024 * 1024))
mkdir -p "$CARGO_TARGET_DIR"
free_kb() { df --output=avail -k "$CARGO_TARGET_DIR" | tail -1; }

if [ "$(free_kb)" -lt "$needed_kb" ] && [ -d "$CARGO_TARGET_DIR/debug/incremental" ]; then
  step "The disk of $CARGO_TARGET_DIR is nearly full: removing what incremental compilation keeps there"
  rm -rf "$CARGO_TARGET_DIR/debug/incremental"
fi
if [ "$(free_kb)" -lt "$needed_kb" ]; then
  has="$(($(free_kb) / 1024)) MiB"
  fail "a build needs 10 GiB free on the disk of $CARGO_TARGET_DIR, which has $has: delete that folder, or name another one in CARGO_TARGET_DIR"
fi
