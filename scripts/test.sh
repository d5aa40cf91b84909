#!/usr/bin/env bash
# Everything that CI does, one phase after the other; ends with what each phase took.
source "$(dirname "$0")/lib.sh"

# In a clean clone nothing was compiled before that incremental compilation could go on from; it would only write what nobody reads.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL=0; fi

times=()
phase() {
  local name=$1 start=$SECONDS
  shift
  step "$name"
  "$@"
  times+=("$(printf '%-34s %5d s' "$name" $((SECONDS - start)))")
}

rust_tests() {
  cargo test --locked --workspace --all-targets
  cargo test --locked --workspace --doc
}

# What people, tokens and devices are kept in has two engines; what is asked of one is asked of the other.
rust_tests_on_postgres() {
  scripts/with-postgres.sh cargo test --locked --workspace --test identity --test current --test people --test devices --test live_and_sql
  # MQTT clients of others sign in as those of `mqtt::` do, and InfluxDB is compared with the store: once is enough for both.
  scripts/with-postgres.sh cargo test --locked --workspace --test server -- --skip mqtt_clients:: --skip influxql_differential::
  local of_api
  mapfile -t of_api < <(ls crates/api/src/tests | sed 's/\.rs$//; s/.*/tests::&::/')
  scripts/with-postgres.sh cargo test --locked --workspace --lib -- "${of_api[@]}"
}

web() { (cd web && npm run --silent "$@"); }

end_to_end() { (cd web && SENSORIUM_BIN="$binary" npm run --silent e2e); }

phase "Build the web page and the binary" scripts/build.sh
phase "Format" cargo fmt --all --check
phase "Clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
phase "Tidy" cargo xtask tidy
phase "Rust tests" rust_tests
phase "Rust tests, metadata on PostgreSQL" rust_tests_on_postgres
phase "Web: types" web typecheck
phase "Web: lint" web lint
phase "Web: unit tests" web test
phase "Web: bundle budgets" web budget
phase "End to end, in Chromium" end_to_end

step "All passed"
printf '%s\n' "${times[@]}" "$(printf '%-34s %5d s' total $SECONDS)"
