# Shared by the scripts: where things are built, and how they say what they do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/sensorium/target}"
# Not exported: variables that begin with SENSORIUM_ are settings of the server.
binary="$CARGO_TARGET_DIR/debug/sensorium"
# The Pythons that tests ask; see install.sh.
python="${XDG_CACHE_HOME:-$HOME/.cache}/sensorium/python"
esphome="${XDG_CACHE_HOME:-$HOME/.cache}/sensorium/esphome"

step() { printf '\n==> %s\n' "$*"; }

fail() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}
