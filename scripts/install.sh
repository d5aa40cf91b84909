#!/usr/bin/env bash
# Installs what is missing on Debian 12: `install.sh run` for building and running, `install.sh test` for the tests too,
# `install.sh bench` for the comparisons with InfluxDB and Mosquitto.
source "$(dirname "$0")/lib.sh"

packages=()
command -v cc >/dev/null || packages+=(build-essential)
if [ "${1:-run}" = test ]; then
  command -v chromium >/dev/null || packages+=(chromium)
  command -v curl >/dev/null || packages+=(curl)
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v psql >/dev/null || packages+=(postgresql)
  command -v g++ >/dev/null || packages+=(g++)
  command -v mosquitto_pub >/dev/null || packages+=(mosquitto-clients)
  command -v influx >/dev/null || packages+=(influxdb-client)
  command -v influxd >/dev/null || packages+=(influxdb)
  [ -x /usr/sbin/mosquitto ] || packages+=(mosquitto)
  command -v coap-client-notls >/dev/null || packages+=(libcoap3-bin)
  python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
fi
if [ "${1:-run}" = bench ]; then
  command -v influxd >/dev/null || packages+=(influxdb)
  [ -x /usr/sbin/mosquitto ] || packages+=(mosquitto)
fi
if [ ${#packages[@]} -gt 0 ]; then
  step "Installing ${packages[*]} (Debian packages)"
  command -v apt-get >/dev/null || fail "apt-get is not here; install ${packages[*]} by your system's means and try again"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "run as root, or install ${packages[*]} yourself and try again"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  # The packages start services; tests and comparisons start their own, and those of InfluxDB and Mosquitto would take Sensorium's ports.
  for service in influxdb mosquitto postgresql; do
    if [[ " ${packages[*]} " == *" $service "* ]] && [ -d /run/systemd/system ]; then
      "${as_root[@]}" systemctl disable --now --quiet "$service"
    fi
  done
fi

command -v cargo >/dev/null || fail "Rust is not here; install it from https://rustup.rs and try again"
command -v npm >/dev/null || fail "Node.js 20 or newer is not here; install nodejs and npm and try again"
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
  fail "Node.js $(node --version) is too old; version 20 or newer is needed"

# Programs from PyPI, for the tests, in folders that all clones share: other readers of the data files, other clients and a mail server; ESPHome
# has one of its own, because it insists on other versions of what they need.
python_with() {
  local folder=$1 wanted=$2
  [ "$(cat "$folder/complete" 2>/dev/null)" != "$wanted" ] || return 0
  step "Installing $wanted (PyPI) in $folder"
  rm -rf "$folder"
  python3 -m venv "$folder"
  # shellcheck disable=SC2086 # several requirements
  "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check $wanted
  echo "$wanted" >"$folder/complete"
}
if [ "${1:-run}" = test ]; then
  python_with "$python" "duckdb==2.0.1 pyarrow==26.0.1 schemathesis==4.32.5 pyyaml==6.0.4 aiosmtpd==1.4.6 paho-mqtt==2.2.0 aiocoap==0.4.17 txThings==0.3.0 twisted==26.10.0 psycopg[binary]==3.3.9 sqlalchemy==2.1.9 influxdb==5.3.2 influxdb-client==1.50.0"
  python_with "$esphome" "esphome==2026.6.5"
fi
