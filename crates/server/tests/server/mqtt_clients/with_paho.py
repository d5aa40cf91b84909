"""Eclipse Paho against a server: `with_paho.py URL USER PASSWORD FEATURE VERSION`, or without the last two for everything.

The URL is `mqtt://HOST:PORT`, or `ws://HOST:PORT/PATH` for WebSocket.

A feature is a function with the section of MQTT 5.0 in its name. Those with a parameter are for 3.1.1 and 5.0, others for 5.0.
Nothing sleeps: each step waits for a message or an answer.
"""

import json
import queue
import socket
import sys
import time
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from features import main
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

URL, USER, PASSWORD = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3]
IS_WEBSOCKET = URL.scheme == "ws"
DEADLINE = 30
# Of this run, as a server that is asked twice remembers sessions and retained messages.
RUN = format(time.time_ns(), "x")
PAYLOAD = b'{"value":1}'


def properties(packet, **values):
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Peer:
    """A client whose answers and messages are waited for."""

    def __init__(self, version, name, **options):
        self.version = version
        client_id = f"paho-{RUN}-{version}-{name}" if name else ""
        if version == paho.MQTTv311:
            options.setdefault("clean_session", True)
        options["transport"] = "websockets" if IS_WEBSOCKET else "tcp"
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id, protocol=version, reconnect_on_failure=False, **options
        )
        if IS_WEBSOCKET:
            self.client.ws_set_options(URL.path)
        self.client.username_pw_set(USER, PASSWORD)
        self.messages, self.answers = queue.Queue(), queue.Queue()
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_connect = lambda client, data, flags, reason, more: self.answers.put((flags, reason, more))
        self.client.on_disconnect = lambda client, data, flags, reason, more: self.answers.put(("end", reason, more))
        self.client.on_subscribe = lambda client, data, mid, reasons, more: self.answers.put(reasons)
        self.client.on_unsubscribe = lambda client, data, mid, reasons, more: self.answers.put(reasons)

    def connect(self, keepalive=60, clean=True, address="", **values):
        more = {"bind_address": address}
        if self.version == paho.MQTTv5:
            more |= {"clean_start": clean, "properties": properties(PacketTypes.CONNECT, **values)}
        self.client.connect(URL.hostname, URL.port, keepalive, **more)
        self.client.loop_start()
        return self.answers.get(timeout=DEADLINE)

    def enter(self, **options):
        flags, reason, self.connack = self.connect(**options)
        assert not reason.is_failure, reason
        self.session_present = flags.session_present
        return self

    def subscribe(self, topic, qos=0, **options):
        if self.version == paho.MQTTv5:
            number = options.pop("number", None)
            more = properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=number) if number else None
            self.client.subscribe(topic, options=SubscribeOptions(qos=qos, **options), properties=more)
        else:
            self.client.subscribe(topic, qos)
        (reason,) = self.answers.get(timeout=DEADLINE)
        assert reason.value == qos, reason
        return self

    def unsubscribe(self, topic):
        self.client.unsubscribe(topic)
        self.answers.get(timeout=DEADLINE)

    def publish(self, topic, payload=PAYLOAD, qos=1, retain=False, **values):
        more = properties(PacketTypes.PUBLISH, **values) if values else None
        sent = self.client.publish(topic, payload, qos, retain, more)
        sent.wait_for_publish(DEADLINE)
        assert sent.is_published(), f"{topic} was not acknowledged"

    def message(self):
        return self.messages.get(timeout=DEADLINE)

    def nothing(self):
        """Nothing came before a message that the client sends to itself."""
        topic = f"paho/{RUN}/{self.version}/marker/{time.time_ns()}/reading"
        self.subscribe(topic)
        self.publish(topic, qos=1)
        found = self.message().topic
        assert found == topic, f"{found} came"

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def broken(self):
        """The network fails."""
        connection = self.client.socket()
        # Paho's WebSocket is a wrapper without this method.
        getattr(connection, "_socket", connection).shutdown(socket.SHUT_RDWR)
        kind, _, _ = self.answers.get(timeout=DEADLINE)
        assert kind == "end", kind
        self.client.loop_stop()


def topic_of(version, name):
    return f"paho/{RUN}/{version}/{name}/reading"


def s3_1_connect(version):
    peer = Peer(version, "connect").enter()
    assert not peer.session_present
    peer.leave()
    for user, password in [(USER, "wrong"), ("nobody", "wrong"), (None, None)]:
        peer = Peer(version, "refused")
        peer.client.username_pw_set(user, password)
        # From another address, as wrong credentials are limited for each.
        _, reason, _ = peer.connect(address=f"127.{4 if IS_WEBSOCKET else 3}.{version}.1")
        # Paho gives the return codes of 3.1.1 the names of reasons.
        assert reason.value in (0x86, 0x87), reason


def s3_1_2_5_will(version):
    topic = topic_of(version, "will")
    watcher = Peer(version, "will-watcher").enter().subscribe(topic, 1)
    for name in ["left", "broken"]:
        peer = Peer(version, f"will-{name}")
        peer.client.will_set(topic, json.dumps({"value": name}), 1)
        peer.enter()
        peer.leave() if name == "left" else peer.broken()
    assert json.loads(watcher.message().payload) == {"value": "broken"}
    watcher.nothing()


def s3_1_4_take_over(version):
    older = Peer(version, "twice").enter()
    newer = Peer(version, "twice").enter()
    kind, reason, _ = older.answers.get(timeout=DEADLINE)
    assert kind == "end" and (version == paho.MQTTv311 or reason.value == 0x8E), reason
    newer.nothing()


def s3_3_1_3_retained(version):
    topic = topic_of(version, "retained")
    peer = Peer(version, "retained").enter()
    peer.publish(topic, retain=True)
    later = Peer(version, "retained-later").enter().subscribe(topic, 1)
    message = later.message()
    assert (message.payload, message.retain) == (PAYLOAD, True), message
    peer.publish(topic, b"", retain=True)
    message = later.message()
    assert (message.payload, message.retain) == (b"", False), message
    Peer(version, "retained-last").enter().subscribe(topic, 1).nothing()


def s3_10_unsubscribe(version):
    topic = topic_of(version, "unsubscribe")
    peer = Peer(version, "unsubscribe").enter().subscribe(topic, 1)
    peer.publish(topic)
    assert peer.message().topic == topic
    peer.unsubscribe(topic)
    peer.publish(topic)
    peer.nothing()


def s3_12_keep_alive(version):
    peer = Peer(version, "alive")
    lines = queue.Queue()
    peer.client.on_log = lambda client, data, level, text: lines.put(text)
    peer.enter(keepalive=1)
    while "PINGRESP" not in lines.get(timeout=DEADLINE):
        pass
    peer.nothing()


def s4_1_session(version):
    topic = topic_of(version, "session")

    def again(clean=False):
        old = {"clean_session": clean} if version == paho.MQTTv311 else {}
        new = {"clean": clean, "SessionExpiryInterval": 60} if version == paho.MQTTv5 else {}
        return Peer(version, "session", **old).enter(**new)

    again().subscribe(topic, 2).leave()
    publisher = Peer(version, "session-p").enter()
    for qos in [1, 2, 1]:
        publisher.publish(topic, json.dumps({"value": qos}), qos)
    peer = again()
    assert peer.session_present
    found = [(json.loads(message.payload)["value"], message.qos) for message in [peer.message() for _ in range(3)]]
    # Paho hands out a QoS 2 message when its exchange is over, which may be after the next one.
    assert sorted(found) == [(1, 1), (1, 1), (2, 2)], found
    peer.leave()
    again(clean=True).leave()


def s4_3_qos(version):
    publisher = Peer(version, "qos-p").enter()
    for granted in range(3):
        topic = topic_of(version, f"qos-{granted}")
        peer = Peer(version, "qos-s").enter().subscribe(topic, granted)
        for qos in range(3):
            publisher.publish(topic, qos=qos)
            message = peer.message()
            assert (message.payload, message.qos) == (PAYLOAD, min(qos, granted)), message
        peer.leave()


def s4_6_order(version):
    topic = topic_of(version, "order")
    peer = Peer(version, "order").enter().subscribe(topic, 2)
    for number in range(100):
        peer.client.publish(topic, json.dumps({"value": number}), 1)
    assert [json.loads(peer.message().payload)["value"] for _ in range(100)] == list(range(100))


def s4_7_topics(version):
    base = f"paho/{RUN}/{version}/topics"
    for text, no, yes in [("+/reading", "a/b/reading", "a/reading"), ("a/#", "b/reading", "a/b/reading")]:
        peer = Peer(version, "topics").enter().subscribe(f"{base}/{text}", 1)
        peer.publish(f"{base}/{no}")
        peer.publish(f"{base}/{yes}")
        assert peer.message().topic == f"{base}/{yes}"
        peer.nothing()
        peer.leave()


def s3_1_2_11_4_maximum_packet_size():
    topic = topic_of(5, "largest")
    peer = Peer(paho.MQTTv5, "largest").enter(MaximumPacketSize=200).subscribe(topic, 1)
    publisher = Peer(paho.MQTTv5, "largest-p").enter()
    publisher.publish(topic, json.dumps({"note": "x" * 300}))
    publisher.publish(topic)
    assert peer.message().payload == PAYLOAD
    peer.nothing()


def s3_1_2_11_3_receive_maximum():
    topic = topic_of(5, "receive-maximum")
    peer = Peer(paho.MQTTv5, "narrow", manual_ack=True).enter(ReceiveMaximum=2).subscribe(topic, 1)
    publisher = Peer(paho.MQTTv5, "narrow-p").enter()
    for number in range(4):
        publisher.publish(topic, json.dumps({"value": number}))
    # QoS 0 passes what waits.
    held = [peer.message(), peer.message()]
    peer.nothing()
    for number in range(4):
        message = held.pop(0)
        assert json.loads(message.payload)["value"] == number, message.payload
        peer.client.ack(message.mid, message.qos)
        if number < 2:
            held.append(peer.message())


def s3_1_3_2_2_will_delay():
    topic = topic_of(5, "will-delay")
    watcher = Peer(paho.MQTTv5, "delay-watcher").enter().subscribe(topic, 1)
    for name in ["returns", "stays"]:
        peer = Peer(paho.MQTTv5, f"delay-{name}")
        more = properties(PacketTypes.WILLMESSAGE, WillDelayInterval=1, ContentType="application/json")
        more.UserProperty = ("a", "b")
        peer.client.will_set(topic, json.dumps({"value": name}), 1, properties=more)
        peer.enter(SessionExpiryInterval=60).broken()
        if name == "returns":
            Peer(paho.MQTTv5, f"delay-{name}").enter(clean=False, SessionExpiryInterval=60)
    # The other one would come first.
    message = watcher.message()
    assert json.loads(message.payload) == {"value": "stays"}, message.payload
    assert message.properties.ContentType == "application/json"
    assert message.properties.UserProperty == [("a", "b")]


def s3_2_2_3_7_assigned_client_identifier():
    first, second = Peer(paho.MQTTv5, "").enter(), Peer(paho.MQTTv5, "").enter()
    names = {first.connack.AssignedClientIdentifier, second.connack.AssignedClientIdentifier}
    assert len(names) == 2 and all(names), names


def s3_3_2_3_properties():
    topic = topic_of(5, "properties")
    peer = Peer(paho.MQTTv5, "properties").enter().subscribe(topic, 1)
    pairs = [("b", "1"), ("a", "ä"), ("b", "2")]
    peer.publish(topic, PayloadFormatIndicator=1, ContentType="application/json", UserProperty=pairs)
    found = peer.message().properties
    assert (found.PayloadFormatIndicator, found.ContentType) == (1, "application/json"), found
    assert found.UserProperty == pairs, found


def s3_3_2_3_3_message_expiry():
    topic = topic_of(5, "expiry")
    peer = Peer(paho.MQTTv5, "expiry").enter().subscribe(topic, 1)
    peer.publish(topic, MessageExpiryInterval=100)
    assert 90 <= peer.message().properties.MessageExpiryInterval <= 100


def s3_3_2_3_4_topic_alias():
    topic = topic_of(5, "alias")
    peer = Peer(paho.MQTTv5, "alias").enter(TopicAliasMaximum=5).subscribe(topic, 1)
    assert peer.connack.TopicAliasMaximum > 0
    peer.publish(topic, TopicAlias=1)
    peer.publish("", TopicAlias=1)
    found = [(message.topic, getattr(message.properties, "TopicAlias", None)) for message in [peer.message() for _ in range(2)]]
    # A server that sets aliases sends the second one without its topic.
    assert found[0][0] == topic and (found[1][0] == topic or found[1][1] == found[0][1] is not None), found


def s3_8_2_1_2_subscription_identifier():
    topic = topic_of(5, "number")
    peer = Peer(paho.MQTTv5, "number").enter()
    peer.subscribe(topic, 1, number=7).subscribe(topic.replace("/reading", "/+"), 0, number=200)
    peer.publish(topic)
    found = set()
    while found != {7, 200}:
        found |= set(peer.message().properties.SubscriptionIdentifier)
        assert found <= {7, 200}, found


def s3_8_3_1_subscription_options():
    topic = topic_of(5, "options")
    peer = Peer(paho.MQTTv5, "options").enter().subscribe(topic, 1, noLocal=True)
    other = Peer(paho.MQTTv5, "options-other").enter().subscribe(topic, 1, retainAsPublished=True)
    plain = Peer(paho.MQTTv5, "options-plain").enter().subscribe(topic, 1)
    peer.publish(topic, retain=True)
    assert (other.message().retain, plain.message().retain) == (True, False)
    peer.nothing()
    for handling, gets in [(0, True), (1, False), (2, False)]:
        plain.subscribe(topic, 1, retainHandling=handling)
        if gets:
            assert plain.message().retain
        plain.nothing()
    Peer(paho.MQTTv5, "options-late").enter().subscribe(topic, 1, retainHandling=2).nothing()


def s4_8_2_shared_subscriptions():
    topic = topic_of(5, "shared")
    end = topic_of(5, "shared-end")
    group = [Peer(paho.MQTTv5, f"shared-{name}").enter() for name in "ab"]
    for peer in group:
        peer.subscribe(f"$share/group/{topic}", 1).subscribe(end, 1)
    publisher = Peer(paho.MQTTv5, "shared-p").enter()
    for number in range(20):
        publisher.publish(topic, json.dumps({"value": number}))
    publisher.publish(end)
    counts = []
    for peer in group:
        counts.append(0)
        while peer.message().topic != end:
            counts[-1] += 1
    assert sum(counts) == 20 and all(counts), counts


def s4_10_request_response():
    topic, answers = topic_of(5, "request"), topic_of(5, "answers")
    asks = Peer(paho.MQTTv5, "asks").enter().subscribe(answers, 1)
    tells = Peer(paho.MQTTv5, "tells").enter().subscribe(topic, 1)
    asks.publish(topic, ResponseTopic=answers, CorrelationData=b"\0\xff7")
    request = tells.message().properties
    tells.publish(request.ResponseTopic, CorrelationData=request.CorrelationData)
    assert asks.message().properties.CorrelationData == b"\0\xff7"


main(globals(), {"3.1.1": paho.MQTTv311, "5.0": paho.MQTTv5})
