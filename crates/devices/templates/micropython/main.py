# {{ device | comment }}: a {{ sensor }} on {% if board == "esp32" %}an ESP32{% else %}a Raspberry Pi Pico W{% endif %} sends temperature and humidity to Sensorium.
#
# Wiring: the sensor's + to 3V3, its - to GND, its data pin to GPIO {{ pin }}, with 10 kilo-ohms between data and 3V3 if the
# sensor has no board of its own.
#
# How to get it onto the board, with MicroPython 1.22 or newer on it (https://micropython.org/download):
#     pip install mpremote
#     mpremote mip install requests
#     mpremote cp main.py :main.py
#     mpremote reset
# `mpremote` alone shows what it prints; Ctrl+C there ends it.

import random
import time

import dht
import machine
import network
import ntptime
import requests

WIFI_SSID = {{ wifi_ssid | py_string }}
WIFI_PASSWORD = {{ wifi_password | py_string }}
URL = {{ server | py_string }} + "/write?precision=s&db=" + {{ database | url_part | py_string }}
HEADERS = {"Authorization": "Bearer " + {{ token | py_string }}, "Content-Type": "text/plain"}
SERIES = {{ table | line_protocol | py_string }} + ",device=" + {{ device | line_protocol | py_string }}
{%- if place %} + ",place=" + {{ place | line_protocol | py_string }}{% endif %}

INTERVAL_MS = {{ interval }} * 1000
# How many readings are kept while the network or the server is away.
CAPACITY = 200
LINES_AT_ONCE = 20
LONGEST_WAIT_MS = 300_000
# Some boards count from 2000, others from 1970.
EPOCH = 946_684_800 if time.gmtime(0)[0] == 2000 else 0
CLOCK_IS_SET = 1_600_000_000

sensor = dht.{{ sensor }}(machine.Pin({{ pin }}))
wifi = network.WLAN(network.STA_IF)
# Lists of fields, the time or None, and the milliseconds when it was taken.
waiting = []


def clock():
    """Seconds since 1970, or None before a time server has answered."""
    now = int(time.time()) + EPOCH
    return now if now > CLOCK_IS_SET else None


def take_reading():
    try:
        sensor.measure()
        temperature, humidity = sensor.temperature(), sensor.humidity()
    except OSError as error:
        print("The sensor does not answer; check its wiring:", error)
        return
    # Not a number: no reading.
    if temperature != temperature or humidity != humidity:
        return
    if len(waiting) >= CAPACITY:
        waiting.pop(0)
    fields = "temperature={:.1f},humidity={:.1f}".format(temperature, humidity)
    waiting.append([fields, clock(), time.ticks_ms()])


def keep_wifi():
    """Returns whether the network is there; else starts connecting, which goes on in the background."""
    if wifi.isconnected():
        return True
    print("Connecting to Wi-Fi.")
    wifi.active(False)
    wifi.active(True)
    wifi.connect(WIFI_SSID, WIFI_PASSWORD or None)
    for _ in range(20):
        if wifi.isconnected():
            return True
        time.sleep(1)
    return False


def send():
    """Sends the oldest readings; returns whether that went well."""
    now = clock()
    if now is None:
        try:
            ntptime.settime()
        except (OSError, OverflowError) as error:
            print("No time server answers:", error)
        now = clock()
    if now is not None:
        # Once, so that sending a reading again does not store it twice.
        for reading in waiting:
            if reading[1] is None:
                reading[1] = now - time.ticks_diff(time.ticks_ms(), reading[2]) // 1000
    else:
        # Without a clock a reading gets the time when it arrives, which is right only for the newest.
        del waiting[:-1]
    batch = waiting[:LINES_AT_ONCE]
    lines = [SERIES + " " + fields + ("" if taken is None else " " + str(taken)) for fields, taken, _ in batch]
    try:
        answer = requests.post(URL, data="\n".join(lines).encode(), headers=HEADERS, timeout=10)
        status = answer.status_code
        answer.close()
    except (OSError, ValueError) as error:
        print("The server cannot be reached:", error)
        return False
    # What is malformed stays so; everything else may pass.
    if status in (204, 400, 413):
        del waiting[: len(batch)]
    if status != 204:
        print("The server answered", status)
    return status == 204


def main():
    last_reading = time.ticks_add(time.ticks_ms(), -INTERVAL_MS)
    next_attempt = time.ticks_ms()
    wait = 2_000
    while True:
        now = time.ticks_ms()
        if time.ticks_diff(now, last_reading) >= INTERVAL_MS:
            last_reading = now
            take_reading()
        if waiting and time.ticks_diff(now, next_attempt) >= 0:
            if keep_wifi() and send():
                wait = 2_000
                next_attempt = now
            else:
                next_attempt = time.ticks_add(time.ticks_ms(), wait // 2 + random.getrandbits(16) % wait)
                wait = min(wait * 2, LONGEST_WAIT_MS)
        time.sleep_ms(50)


main()
