#!/usr/bin/env python3
"""{{ device | comment }}: reads a sensor of a Linux board and sends it to Sensorium.

Needs Python 3.9 or newer and nothing else. Try it with `python3 sensorium_sensor.py`; Ctrl+C ends it.

To have it always run, with systemd:
    sudo install -m 755 -d /opt/sensorium-sensor
    sudo install -m 600 sensorium_sensor.py /opt/sensorium-sensor/
    sudo install -m 644 sensorium-sensor.service /etc/systemd/system/
    sudo systemctl enable --now sensorium-sensor
    journalctl -u sensorium-sensor -f
The file holds a token: let nobody else read it.
"""

import collections
import glob
import random
import ssl
import sys
import time
import urllib.error
import urllib.request

SERVER = {{ server | py_string }}
DATABASE = {{ database | url_part | py_string }}
TOKEN = {{ token | py_string }}
CA_FILE = {{ ca_file | py_string }}
SERIES = {{ table | line_protocol | py_string }} + ",device=" + {{ device | line_protocol | py_string }}
{%- if place %} + ",place=" + {{ place | line_protocol | py_string }}{% endif %}

FIELD = {{ field | line_protocol | py_string }}
# The first file that matches is read, for each reading anew: sensors are plugged in and out.
SENSOR_FILES = {{ sensor_file | py_string }}
DIVISOR = {{ divisor }}
INTERVAL = {{ interval }}

# How many readings are kept while the server is away, and how many are sent at once.
CAPACITY = 50_000
LINES_AT_ONCE = 1_000
TIMEOUT = 10
LONGEST_WAIT = 300


def measure():
    """Returns the value, or None if the sensor does not answer."""
    names = sorted(glob.glob(SENSOR_FILES))
    if not names:
        print(f"No file matches {SENSOR_FILES}.", file=sys.stderr)
        return None
    try:
        with open(names[0], encoding="ascii", errors="replace") as file:
            value = float(file.read().strip()) / DIVISOR
    except (OSError, ValueError) as error:
        print(f"{names[0]} cannot be read: {error}", file=sys.stderr)
        return None
    # Not a number, or infinite: no reading.
    return value if value - value == 0 else None


def send(lines, context):
    """Sends lines; returns whether they are done with."""
    request = urllib.request.Request(
        f"{SERVER}/write?precision=ms&db={DATABASE}",
        data="\n".join(lines).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/plain; charset=utf-8"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context):
            return True
    except urllib.error.HTTPError as error:
        reason = error.read(1000).decode(errors="replace").strip()
        print(f"The server answered {error.code}: {reason}", file=sys.stderr)
        # What is malformed stays so; everything else may pass.
        return error.code in (400, 413)
    except OSError as error:
        print(f"The server cannot be reached: {error}", file=sys.stderr)
        return False


def main():
    """Takes readings at their times and sends them, the oldest first."""
    context = ssl.create_default_context(cafile=CA_FILE or None) if SERVER.startswith("https:") else None
    waiting = collections.deque(maxlen=CAPACITY)
    wait = 1
    next_reading = next_attempt = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= next_reading:
            value = measure()
            if value is not None:
                waiting.append(f"{SERIES} {FIELD}={value!r} {int(time.time() * 1000)}")
            # Not "now + INTERVAL", which would drift; what was missed stays missed.
            next_reading += INTERVAL * (1 + (now - next_reading) // INTERVAL)
        if waiting and now >= next_attempt:
            lines = [waiting[i] for i in range(min(len(waiting), LINES_AT_ONCE))]
            if send(lines, context):
                for _ in lines:
                    waiting.popleft()
                wait = 1
            else:
                next_attempt = time.monotonic() + wait * random.uniform(0.5, 1.5)
                wait = min(wait * 2, LONGEST_WAIT)
        due = min(next_reading, max(next_attempt, now)) if waiting else next_reading
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
