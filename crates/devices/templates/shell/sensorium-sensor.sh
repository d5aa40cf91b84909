#!/bin/sh
# {{ device | comment }}: sends a number to Sensorium again and again, with curl.
#
# Works on every Unix with curl and awk: servers, routers with OpenWrt, NAS. Try it with `sh sensorium-sensor.sh`; Ctrl+C ends it.
# The file holds a token: `chmod 700 sensorium-sensor.sh`. To have it always run, start it from your system's services, or
# from cron with `@reboot /path/sensorium-sensor.sh`.
set -u

server={{ server | sh_string }}
database={{ database | url_part | sh_string }}
token={{ token | sh_string }}
ca_file={{ ca_file | sh_string }}
series={{ table | line_protocol | sh_string }}',device='{{ device | line_protocol | sh_string }}
{%- if place %}',place='{{ place | line_protocol | sh_string }}{% endif %}

field={{ field | line_protocol | sh_string }}
interval={{ interval }}
# How many readings are kept while the server is away.
capacity=10000
longest_wait=300

# Prints the number to send.
measure() {
  awk -v divisor={{ divisor }} 'NR == 1 { printf "%.10g\n", $1 / divisor }' {{ sensor_file | sh_string }}
}

# Readings wait in a file until the server has them.
umask 077
waiting=$(mktemp) || exit 1
trap 'rm -f "$waiting" "$waiting.new"' EXIT
trap 'exit 0' INT TERM

# The token comes on the standard input, because everyone on the machine sees arguments.
send() {
  set -- --silent --show-error --max-time 10 --output /dev/null --write-out '%{http_code}' --header @- \
    --data-binary "@$waiting" "$server/write?precision=s&db=$database"
  if [ -n "$ca_file" ]; then set -- --cacert "$ca_file" "$@"; fi
  printf 'Authorization: Bearer %s\nContent-Type: text/plain; charset=utf-8\n' "$token" | curl "$@"
}

wait=1
next_attempt=0
while :; do
  now=$(date +%s)
  value=$(measure)
  case $value in
  '' | *[!0-9.e+-]*) echo "The sensor does not answer: $value" >&2 ;;
  *) printf '%s %s=%s %s\n' "$series" "$field" "$value" "$now" >>"$waiting" ;;
  esac
  if [ -s "$waiting" ] && [ "$now" -ge "$next_attempt" ]; then
    status=$(send)
    case $status in
    204)
      : >"$waiting"
      wait=1
      ;;
    *)
      echo "The server answered $status" >&2
      # What is malformed stays so; everything else may pass.
      case $status in 400 | 413) : >"$waiting" ;; esac
      next_attempt=$((now + wait))
      wait=$((wait * 2))
      if [ "$wait" -gt "$longest_wait" ]; then wait=$longest_wait; fi
      tail -n "$capacity" "$waiting" >"$waiting.new" && mv "$waiting.new" "$waiting"
      ;;
    esac
  fi
  # In the background, so that a signal need not wait.
  sleep "$interval" &
  wait $!
done
