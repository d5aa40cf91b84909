#!/data/data/com.termux/files/usr/bin/sh
# {{ device | comment }}: an Android phone sends its battery{% if sensor %} and a sensor{% endif %} to Sensorium.
#
# 1. Install Termux and Termux:API, both from F-Droid (those of the Play Store do not go together).
# 2. In Termux: `pkg install termux-api curl`.
# 3. Copy this file to the phone and start it: `sh sensorium-phone.sh`. Ctrl+C ends it.
# 4. To have it run after a restart, install Termux:Boot and put this file into ~/.termux/boot/.
# 5. In Android's settings, let Termux use the battery without restrictions, or Android stops it.
# `termux-sensor -l` lists the sensors of the phone.
set -u

server={{ server | sh_string }}
token={{ token | sh_string }}
query='db='{{ database | url_part | sh_string }}'&table='{{ table | url_part | sh_string }}
tags='{"device":'{{ device | json_string | sh_string }}{% if place %}',"place":'{{ place | json_string | sh_string }}{% endif %}'}'
sensor={{ sensor | sh_string }}
interval={{ interval }}

# Keeps the processor awake while this runs.
termux-wake-lock
trap 'termux-wake-unlock' EXIT
trap 'exit 0' INT TERM

# Prints a JSON object, or nothing if the phone does not answer in time.
measure() {
  battery=$(timeout 20 termux-battery-status) || return 1
  measured='{}'
  if [ -n "$sensor" ]; then
    measured=$(timeout 20 termux-sensor -s "$sensor" -n 1)
    termux-sensor -c >/dev/null 2>&1
  fi
  printf '{"tags":%s,"battery":%s,"sensor":%s}' "$tags" "${battery:-null}" "${measured:-null}"
}

# The token comes on the standard input, because everyone on the machine sees arguments.
send() {
  printf 'Authorization: Bearer %s\nContent-Type: application/json\n' "$token" |
    curl --silent --show-error --max-time 15 --output /dev/null --write-out '%{http_code}' --header @- \
      --data-binary "$1" "$server/api/v1/readings?$query"
}

wait=$interval
while :; do
  if reading=$(measure); then
    status=$(send "$reading")
    case $status in
    200) wait=$interval ;;
    *)
      echo "The server answered $status" >&2
      wait=$((wait * 2))
      if [ "$wait" -gt 600 ]; then wait=600; fi
      ;;
    esac
  else
    echo "Termux:API does not answer; is the app installed?" >&2
  fi
  sleep "$wait" &
  wait $!
done
