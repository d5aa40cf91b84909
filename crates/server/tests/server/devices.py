"""Plays the parts of a MicroPython board, and runs a program on it: `devices.py main.py`."""

import random
import sys
import time
import types
import urllib.error
import urllib.request


def module(name, **members):
    sys.modules[name] = types.SimpleNamespace(**members)


class Sensor:
    """A DHT22 that does not answer the first time."""

    answers = 0

    def __init__(self, pin):
        self.pin = pin

    def measure(self):
        Sensor.answers += 1
        if Sensor.answers == 1:
            raise OSError("timed out")

    def temperature(self):
        return 21.5

    def humidity(self):
        return 40


class Wifi:
    connected = False

    def __init__(self, interface):
        pass

    def isconnected(self):
        return self.connected

    def active(self, on):
        pass

    def connect(self, ssid, password):
        assert (ssid, password) == ("net", None)
        self.connected = True


class Answer:
    def __init__(self, status_code):
        self.status_code = status_code

    def close(self):
        pass


def post(url, data, headers, timeout):
    request = urllib.request.Request(url, data=data, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return Answer(answer.status)
    except urllib.error.HTTPError as error:
        print(error.read().decode())
        return Answer(error.code)


module("dht", DHT22=Sensor)
module("machine", Pin=lambda number: number)
module("network", WLAN=Wifi, STA_IF=0)
module("ntptime", settime=lambda: None)
module("requests", post=post)
time.ticks_ms = lambda: int(time.monotonic() * 1000)
time.ticks_add = lambda ticks, delta: ticks + delta
time.ticks_diff = lambda later, earlier: later - earlier
time.sleep_ms = lambda milliseconds: time.sleep(milliseconds / 1000)

with open(sys.argv[1], encoding="utf-8") as program:
    exec(compile(program.read(), sys.argv[1], "exec"), {"__name__": "__main__"})
