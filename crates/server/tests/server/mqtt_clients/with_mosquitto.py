"""mosquitto_pub and mosquitto_sub against a server: `with_mosquitto.py URL USER PASSWORD FEATURE VERSION`, or without the last two for everything.

A feature is a function with the section of MQTT 5.0 in its name. Those with a parameter are for 3.1.1 and 5.0, others for 5.0.
Nothing sleeps: each step waits for a message or an answer.
"""

import json
import subprocess
import sys
import time
from urllib.parse import urlsplit

from features import main

URL, USER, PASSWORD = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3]
DEADLINE = 30
RUN = format(time.time_ns(), "x")
PAYLOAD = '{"value":1}'
# What a message is printed as: its topic, QoS, retain flag and payload.
SHOWN = "got %t %q %r %p"


def to(version, *credential):
    user = ["-u", USER, "-P", PASSWORD] if not credential else [*credential]
    return ["-h", URL.hostname, "-p", str(URL.port), "-V", version, *user]


def publish(version, topic, *more, payload=PAYLOAD, qos=1):
    message = ["-n"] if payload is None else ["-m", payload]
    command = ["mosquitto_pub", *to(version), "-t", topic, "-q", str(qos), *message, *more]
    subprocess.run(command, check=True, timeout=DEADLINE)


class Subscriber:
    """mosquitto_sub, which has subscribed when it is there."""

    def __init__(self, version, *more, shown=SHOWN):
        # Debug lines say when the subscription is granted; they are not flushed by themselves.
        command = ["stdbuf", "-oL", "mosquitto_sub", *to(version), "-d", "-W", str(DEADLINE), "-F", shown, *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.before = []
        self.line(lambda line: line.startswith("Subscribed (mid"))

    def line(self, is_wanted):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if is_wanted(line):
                return line
            if line.startswith("got "):
                self.before.append(line)
        raise AssertionError(f"mosquitto_sub ended: {self.process.wait()}")

    def message(self):
        """The next message as it is shown."""
        line = self.before.pop(0) if self.before else self.line(lambda line: line.startswith("got "))
        return line.removeprefix("got ")

    def end(self):
        self.process.kill()
        self.process.wait()


def topic_of(version, name):
    return f"mosquitto/{RUN}/{version}/{name}/reading"


def s3_1_connect(version):
    for credential in [["-u", USER, "-P", "wrong"], ["-u", "nobody", "-P", "wrong"], []]:
        # From another address, as wrong credentials are limited for each.
        address = ["-A", "127.4.0.5" if version == "mqttv5" else "127.4.0.4"]
        command = ["mosquitto_pub", *to(version, *address, *credential), "-t", "a", "-m", PAYLOAD]
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        assert ended.returncode != 0, credential
        said = ended.stderr.lower()
        # "Bad user name or password" or "Not authorised", in the words of either version.
        assert "bad user name or password" in said or "not authori" in said, ended.stderr


def s3_1_2_5_will(version):
    topic = topic_of(version, "will")
    watcher = Subscriber(version, "-t", topic, "-q", "1")
    will = ["--will-topic", topic, "--will-payload", PAYLOAD, "--will-qos", "1"]
    Subscriber(version, "-t", f"{topic}/none", *will).end()
    assert watcher.message() == f"{topic} 1 0 {PAYLOAD}"
    watcher.end()


def s3_3_1_3_retained(version):
    topic = topic_of(version, "retained")
    publish(version, topic, "-r")
    first = Subscriber(version, "-t", topic)
    assert first.message() == f"{topic} 0 1 {PAYLOAD}"
    first.end()
    publish(version, topic, "-r", payload=None)
    last = Subscriber(version, "-t", topic)
    publish(version, topic, payload='{"value":2}')
    assert last.message() == topic + ' 0 0 {"value":2}'
    last.end()


def s4_1_session(version):
    topic = topic_of(version, "session")
    kept = ["-c", "-i", f"mosquitto-{RUN}-{version}", "-t", topic, "-q", "1"]
    subprocess.run(["mosquitto_sub", *to(version), *kept, "-E"], check=True, timeout=DEADLINE)
    for number in range(3):
        publish(version, topic, payload=json.dumps({"value": number}))
    command = ["mosquitto_sub", *to(version), *kept, "-C", "3", "-W", str(DEADLINE)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert [json.loads(line)["value"] for line in ended.stdout.splitlines()] == [0, 1, 2], ended.stdout
    # The session is forgotten.
    subprocess.run(["mosquitto_sub", *to(version), *kept[1:], "-E"], check=True, timeout=DEADLINE)


def s4_3_qos(version):
    for granted in range(3):
        topic = topic_of(version, f"qos-{granted}")
        subscriber = Subscriber(version, "-t", topic, "-q", str(granted))
        for qos in range(3):
            publish(version, topic, qos=qos)
            assert subscriber.message() == f"{topic} {min(qos, granted)} 0 {PAYLOAD}"
        subscriber.end()


def s4_6_order(version):
    topic = topic_of(version, "order")
    subscriber = Subscriber(version, "-t", topic, "-q", "2")
    lines = [json.dumps({"value": number}) for number in range(500)]
    command = ["mosquitto_pub", *to(version), "-t", topic, "-q", "1", "-l"]
    subprocess.run(command, check=True, input="\n".join(lines) + "\n", text=True, timeout=DEADLINE)
    for line in lines:
        assert subscriber.message() == f"{topic} 1 0 {line}"
    subscriber.end()


def s4_7_topics(version):
    base = f"mosquitto/{RUN}/{version}/topics"
    subscriber = Subscriber(version, "-t", f"{base}/+/reading", "-t", f"{base}/all/#")
    for name in ["a/b/reading", "other", "a/reading", "all/x/reading"]:
        publish(version, f"{base}/{name}")
    for name in ["a/reading", "all/x/reading"]:
        assert subscriber.message() == f"{base}/{name} 0 0 {PAYLOAD}"
    subscriber.end()


def s3_1_2_11_2_session_expiry():
    topic = topic_of(5, "expiry")
    name = ["-i", f"mosquitto-{RUN}-5-expiry", "-t", topic, "-q", "1"]
    # Zero seconds: nothing is kept, though the client asks for it later.
    for seconds, kept in [("60", True), ("0", False)]:
        command = ["mosquitto_sub", *to("mqttv5"), "-c", "-x", seconds, *name, "-E"]
        subprocess.run(command, check=True, timeout=DEADLINE)
        publish("mqttv5", topic, payload='{"value":7}')
        later = Subscriber("mqttv5", "-c", "-x", "0", *name)
        publish("mqttv5", topic, payload='{"value":8}')
        for value in [7, 8] if kept else [8]:
            assert later.message() == f'{topic} 1 0 {{"value":{value}}}'
        later.end()


def s3_3_2_3_properties():
    topic = topic_of(5, "properties")
    subscriber = Subscriber("mqttv5", "-t", topic, shown="got %C|%D|%E|%F|%R|%P")
    more = ["content-type", "application/json"], ["correlation-data", "seven"], ["message-expiry-interval", "100"]
    more += ["payload-format-indicator", "1"], ["response-topic", "a/b"]
    pairs = ["user-property", "b", "1"], ["user-property", "a", "2"]
    options = [part for words in (*more, *pairs) for part in ("-D", "publish", *words)]
    publish("mqttv5", topic, *options)
    kind, data, expiry, is_text, response, found = subscriber.message().split("|")
    assert (kind, data, is_text, response) == ("application/json", "seven", "1", "a/b"), (kind, data, is_text, response)
    assert 90 <= int(expiry) <= 100, expiry
    assert found.split() == ["b:1", "a:2"], found
    subscriber.end()


def s3_8_2_1_2_subscription_identifier():
    topic = topic_of(5, "number")
    number = ["-D", "subscribe", "subscription-identifier", "300"]
    subscriber = Subscriber("mqttv5", "-t", topic, *number, shown="got %S")
    publish("mqttv5", topic)
    assert subscriber.message() == "300"
    subscriber.end()


def s4_8_2_shared_subscriptions():
    topic = topic_of(5, "shared")
    group = [Subscriber("mqttv5", "-t", f"$share/group/{topic}", "-t", f"{topic}/end", "-q", "1") for _ in range(2)]
    lines = "".join(json.dumps({"value": number}) + "\n" for number in range(20))
    command = ["mosquitto_pub", *to("mqttv5"), "-t", topic, "-q", "1", "-l"]
    subprocess.run(command, check=True, input=lines, text=True, timeout=DEADLINE)
    publish("mqttv5", f"{topic}/end")
    counts = []
    for subscriber in group:
        counts.append(0)
        while not subscriber.message().startswith(f"{topic}/end"):
            counts[-1] += 1
        subscriber.end()
    assert sum(counts) == 20 and all(counts), counts


main(globals(), {"3.1.1": "mqttv311", "5.0": "mqttv5"})
