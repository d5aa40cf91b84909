// MQTT.js against a server: `node with_mqttjs.mjs URL USER PASSWORD FEATURE VERSION`, or without the last two for everything.
//
// The URL is `mqtt://HOST:PORT`, or `ws://HOST:PORT/PATH` for WebSocket. A feature is a function with the section of MQTT 5.0 in
// its name. Those with a parameter are for 3.1.1 and 5.0, others for 5.0. Nothing sleeps: each step waits for a message or an answer.

import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import process from "node:process";

// The exports of this very file.
import * as features from "./with_mqttjs.mjs";

const require = createRequire(new URL("../../../../../web/package.json", import.meta.url));
const mqtt = require("mqtt");

const [url, username, password, ...asked] = process.argv.slice(2);
const DEADLINE_MS = 30_000;
// Of this run, as a server that is asked twice remembers sessions and retained messages.
const RUN = process.hrtime.bigint().toString(36);
const PAYLOAD = '{"value":1}';
const VERSIONS = { "3.1.1": 4, "5.0": 5 };

/** What comes, in its order; whoever asks waits for it. */
class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const next = this.#waiting.shift();
    if (next) next(item);
    else this.#items.push(item);
  }

  get() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A client whose answers and messages are waited for. */
class Peer {
  constructor(version, name, options = {}) {
    this.version = version;
    this.messages = new Queue();
    this.answers = new Queue();
    this.options = {
      clientId: name && `mqttjs-${RUN}-${version}-${name}`,
      username,
      password,
      protocolVersion: version,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      connectTimeout: DEADLINE_MS,
      ...options,
    };
  }

  /** Connects and returns what comes of it: CONNACK or an error. */
  connect() {
    this.client = mqtt.connect(url, this.options);
    this.client.on("connect", (packet) => this.answers.put({ kind: "connect", packet }));
    this.client.on("disconnect", (packet) => this.answers.put({ kind: "disconnect", packet }));
    this.client.on("close", () => this.answers.put({ kind: "close" }));
    this.client.on("error", (error) => this.answers.put({ kind: "error", error }));
    this.client.on("message", (topic, payload, packet) => {
      this.messages.put({ ...packet, topic, payload: payload.toString(), properties: packet.properties ?? {} });
    });
    return this.answers.get();
  }

  async enter() {
    const { kind, packet, error } = await this.connect();
    assert.equal(kind, "connect", error);
    this.connack = packet;
    return this;
  }

  async subscribe(topic, qos = 1, more = {}) {
    const [granted] = await this.client.subscribeAsync(topic, { qos, ...more });
    assert.equal(granted.qos, qos);
    return this;
  }

  publish(topic, { payload = PAYLOAD, qos = 1, ...more } = {}) {
    return this.client.publishAsync(topic, payload, { qos, ...more });
  }

  message() {
    return this.messages.get();
  }

  async value() {
    return JSON.parse((await this.message()).payload).value;
  }

  /** Nothing came before a message that the client sends to itself. */
  async nothing() {
    const topic = `mqttjs/${RUN}/${this.version}/marker/${process.hrtime.bigint()}/reading`;
    await this.subscribe(topic);
    await this.publish(topic);
    assert.equal((await this.message()).topic, topic);
  }

  leave() {
    return this.client.endAsync();
  }

  /** The network fails. */
  async broken() {
    this.client.stream.destroy();
    let answer;
    do answer = await this.answers.get();
    while (answer.kind === "error");
    assert.equal(answer.kind, "close");
  }
}

const topicOf = (version, name) => `mqttjs/${RUN}/${version}/${name}/reading`;
const ofValue = (value) => ({ payload: JSON.stringify({ value }) });

export async function s3_1_connect(version) {
  const peer = await new Peer(version, "connect").enter();
  assert.equal(peer.connack.sessionPresent, false);
  await peer.leave();
  // Without a password, as wrong ones are limited for each address.
  const refused = await new Peer(version, "refused", { username: undefined, password: undefined }).connect();
  assert.equal(refused.kind, "error");
  assert.equal(refused.error.code, version === 5 ? 0x87 : 5);
}

export async function s3_1_2_5_will(version) {
  const topic = topicOf(version, "will");
  const watcher = await (await new Peer(version, "will-watcher").enter()).subscribe(topic);
  for (const name of ["left", "broken"]) {
    const will = { topic, qos: 1, retain: false, ...ofValue(name) };
    const peer = await new Peer(version, `will-${name}`, { will }).enter();
    await (name === "left" ? peer.leave() : peer.broken());
  }
  assert.equal(await watcher.value(), "broken");
  await watcher.nothing();
}

export async function s3_1_4_take_over(version) {
  const older = await new Peer(version, "twice").enter();
  const newer = await new Peer(version, "twice").enter();
  const { kind, packet } = await older.answers.get();
  if (version === 5) {
    assert.equal(kind, "disconnect");
    assert.equal(packet.reasonCode, 0x8e);
  } else {
    assert.equal(kind, "close");
  }
  await newer.nothing();
}

export async function s3_3_1_3_retained(version) {
  const topic = topicOf(version, "retained");
  const peer = await new Peer(version, "retained").enter();
  await peer.publish(topic, { retain: true });
  const later = await (await new Peer(version, "retained-later").enter()).subscribe(topic);
  let message = await later.message();
  assert.deepEqual([message.payload, message.retain], [PAYLOAD, true]);
  await peer.publish(topic, { payload: "", retain: true });
  message = await later.message();
  assert.deepEqual([message.payload, message.retain], ["", false]);
  await (await (await new Peer(version, "retained-last").enter()).subscribe(topic)).nothing();
}

export async function s3_10_unsubscribe(version) {
  const topic = topicOf(version, "unsubscribe");
  const peer = await (await new Peer(version, "unsubscribe").enter()).subscribe(topic);
  await peer.publish(topic);
  assert.equal((await peer.message()).topic, topic);
  await peer.client.unsubscribeAsync(topic);
  await peer.publish(topic);
  await peer.nothing();
}

export async function s3_12_keep_alive(version) {
  const peer = await new Peer(version, "alive", { keepalive: 1 }).enter();
  await new Promise((resolve) => {
    peer.client.on("packetreceive", ({ cmd }) => cmd === "pingresp" && resolve());
  });
  await peer.nothing();
}

export async function s4_1_session(version) {
  const topic = topicOf(version, "session");
  const properties = version === 5 ? { sessionExpiryInterval: 60 } : undefined;
  const again = () => new Peer(version, "session", { clean: false, properties }).enter();
  await (await (await again()).subscribe(topic, 2)).broken();
  const publisher = await new Peer(version, "session-p").enter();
  for (const qos of [1, 2, 1]) await publisher.publish(topic, { qos, ...ofValue(qos) });
  const peer = await again();
  assert.equal(peer.connack.sessionPresent, true);
  const found = [];
  while (found.length < 3) {
    const { payload, qos } = await peer.message();
    found.push(`${JSON.parse(payload).value} with ${qos}`);
  }
  // A QoS 2 message is handed out when its exchange is over, which may be after the next one.
  assert.deepEqual(found.sort(), ["1 with 1", "1 with 1", "2 with 2"]);
  await peer.leave();
  await (await new Peer(version, "session").enter()).leave();
}

export async function s4_3_qos(version) {
  const publisher = await new Peer(version, "qos-p").enter();
  for (const granted of [0, 1, 2]) {
    const topic = topicOf(version, `qos-${granted}`);
    const peer = await (await new Peer(version, "qos-s").enter()).subscribe(topic, granted);
    for (const qos of [0, 1, 2]) {
      await publisher.publish(topic, { qos });
      const message = await peer.message();
      assert.deepEqual([message.payload, message.qos], [PAYLOAD, Math.min(qos, granted)]);
    }
    await peer.leave();
  }
}

export async function s4_6_order(version) {
  const topic = topicOf(version, "order");
  const peer = await (await new Peer(version, "order").enter()).subscribe(topic, 2);
  const sent = Array.from({ length: 100 }, (_, number) => peer.publish(topic, ofValue(number)));
  for (let number = 0; number < 100; number += 1) assert.equal(await peer.value(), number);
  await Promise.all(sent);
}

export async function s4_7_topics(version) {
  const base = `mqttjs/${RUN}/${version}/topics`;
  for (const [filter, no, yes] of [
    ["+/reading", "a/b/reading", "a/reading"],
    ["a/#", "b/reading", "a/b/reading"],
  ]) {
    const peer = await (await new Peer(version, "topics").enter()).subscribe(`${base}/${filter}`);
    await peer.publish(`${base}/${no}`);
    await peer.publish(`${base}/${yes}`);
    assert.equal((await peer.message()).topic, `${base}/${yes}`);
    await peer.nothing();
    await peer.leave();
  }
}

export async function s3_1_2_11_4_maximum_packet_size() {
  const topic = topicOf(5, "largest");
  const narrow = new Peer(5, "largest", { properties: { maximumPacketSize: 200 } });
  const peer = await (await narrow.enter()).subscribe(topic);
  const publisher = await new Peer(5, "largest-p").enter();
  await publisher.publish(topic, { payload: JSON.stringify({ note: "x".repeat(300) }) });
  await publisher.publish(topic);
  assert.equal((await peer.message()).payload, PAYLOAD);
  await peer.nothing();
}

export async function s3_1_3_2_2_will_delay() {
  const topic = topicOf(5, "will-delay");
  const watcher = await (await new Peer(5, "delay-watcher").enter()).subscribe(topic);
  const properties = { sessionExpiryInterval: 60 };
  for (const name of ["returns", "stays"]) {
    const more = { willDelayInterval: 1, contentType: "application/json", userProperties: { a: "b" } };
    const will = { topic, qos: 1, retain: false, properties: more, ...ofValue(name) };
    await (await new Peer(5, `delay-${name}`, { properties: { ...properties }, will }).enter()).broken();
    if (name === "returns") {
      await new Peer(5, `delay-${name}`, { clean: false, properties: { ...properties } }).enter();
    }
  }
  // The other one would come first.
  const message = await watcher.message();
  assert.deepEqual(JSON.parse(message.payload), { value: "stays" });
  assert.equal(message.properties.contentType, "application/json");
  assert.deepEqual({ ...message.properties.userProperties }, { a: "b" });
}

export async function s3_2_2_3_7_assigned_client_identifier() {
  const names = new Set();
  for (const _ of [1, 2]) {
    const { connack } = await new Peer(5, "").enter();
    names.add(connack.properties.assignedClientIdentifier);
  }
  assert.equal(names.size, 2);
  assert.ok([...names].every(Boolean), [...names].join());
}

export async function s3_3_2_3_properties() {
  const topic = topicOf(5, "properties");
  const peer = await (await new Peer(5, "properties").enter()).subscribe(topic);
  const userProperties = { b: ["1", "2"], a: "ä" };
  await peer.publish(topic, {
    properties: { payloadFormatIndicator: true, contentType: "application/json", userProperties },
  });
  const found = (await peer.message()).properties;
  assert.deepEqual([Number(found.payloadFormatIndicator), found.contentType], [1, "application/json"]);
  assert.deepEqual({ ...found.userProperties }, userProperties);
}

export async function s3_3_2_3_3_message_expiry() {
  const topic = topicOf(5, "expiry");
  const peer = await (await new Peer(5, "expiry").enter()).subscribe(topic);
  await peer.publish(topic, { properties: { messageExpiryInterval: 100 } });
  const left = (await peer.message()).properties.messageExpiryInterval;
  assert.ok(left >= 90 && left <= 100, `${left} s are left`);
}

export async function s3_3_2_3_4_topic_alias() {
  const topic = topicOf(5, "alias");
  const properties = { topicAliasMaximum: 5 };
  const peer = await (await new Peer(5, "alias", { properties }).enter()).subscribe(topic);
  assert.ok(peer.connack.properties.topicAliasMaximum > 0);
  await peer.publish(topic, { properties: { topicAlias: 1 } });
  await peer.publish("", { properties: { topicAlias: 1 } });
  for (const _ of [1, 2]) assert.equal((await peer.message()).topic, topic);
}

export async function s3_8_2_1_2_subscription_identifier() {
  const topic = topicOf(5, "number");
  const peer = await new Peer(5, "number").enter();
  await peer.subscribe(topic, 1, { properties: { subscriptionIdentifier: 7 } });
  await peer.subscribe(topic.replace("/reading", "/+"), 0, { properties: { subscriptionIdentifier: 200 } });
  await peer.publish(topic);
  const found = new Set();
  while (found.size < 2) {
    for (const number of [(await peer.message()).properties.subscriptionIdentifier].flat()) {
      assert.ok([7, 200].includes(number), `${number}`);
      found.add(number);
    }
  }
}

export async function s3_8_3_1_subscription_options() {
  const topic = topicOf(5, "options");
  const peer = await (await new Peer(5, "options").enter()).subscribe(topic, 1, { nl: true });
  const other = await (await new Peer(5, "options-other").enter()).subscribe(topic, 1, { rap: true });
  const plain = await (await new Peer(5, "options-plain").enter()).subscribe(topic);
  await peer.publish(topic, { retain: true });
  assert.deepEqual([(await other.message()).retain, (await plain.message()).retain], [true, false]);
  await peer.nothing();
  for (const rh of [0, 1, 2]) {
    await plain.subscribe(topic, 1, { rh });
    if (rh === 0) assert.equal((await plain.message()).retain, true);
    await plain.nothing();
  }
  await (await (await new Peer(5, "options-late").enter()).subscribe(topic, 1, { rh: 2 })).nothing();
}

export async function s4_8_2_shared_subscriptions() {
  const [topic, end] = [topicOf(5, "shared"), topicOf(5, "shared-end")];
  const group = [];
  for (const name of ["a", "b"]) {
    const peer = await new Peer(5, `shared-${name}`).enter();
    group.push(await (await peer.subscribe(`$share/group/${topic}`)).subscribe(end));
  }
  const publisher = await new Peer(5, "shared-p").enter();
  for (let number = 0; number < 20; number += 1) await publisher.publish(topic, ofValue(number));
  await publisher.publish(end);
  const counts = [];
  for (const peer of group) {
    let count = 0;
    while ((await peer.message()).topic !== end) count += 1;
    counts.push(count);
  }
  assert.equal(counts[0] + counts[1], 20);
  assert.ok(counts.every(Boolean), `${counts}`);
}

export async function s4_12_scram() {
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const bare = `n=${process.env.SENSORIUM_TOKEN_ID},r=${randomBytes(18).toString("base64")}`;
  const method = { authenticationMethod: "SCRAM-SHA-256" };
  const first = Buffer.from(`n,,${bare}`);
  let proven;
  const answer = (challenge) => {
    const [nonce, salt, iterations] = challenge.split(",").map((part) => part.slice(2));
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
    const key = hmac(salted, "Client Key");
    const said = `${bare},${challenge},c=biws,r=${nonce}`;
    const signature = hmac(createHash("sha256").update(key).digest(), said);
    proven = `v=${hmac(hmac(salted, "Server Key"), said).toString("base64")}`;
    return `c=biws,r=${nonce},p=${key.map((byte, place) => byte ^ signature[place]).toString("base64")}`;
  };
  const options = { username: undefined, password: undefined, properties: { ...method, authenticationData: first } };
  const peer = new Peer(5, "scram", options);
  const connecting = peer.connect();
  let ended;
  const again = new Promise((resolve) => {
    ended = resolve;
  });
  peer.client.handleAuth = (packet, callback) => {
    if (packet.reasonCode === 0) {
      ended(packet.properties.authenticationData.toString());
      return callback();
    }
    const authenticationData = Buffer.from(answer(packet.properties.authenticationData.toString()));
    callback(null, { cmd: "auth", reasonCode: 0x18, properties: { ...method, authenticationData } });
  };
  const { kind, packet, error } = await connecting;
  assert.equal(kind, "connect", error);
  assert.equal(packet.properties.authenticationData.toString(), proven);
  // A second time, on the same connection.
  peer.client._sendPacket({ cmd: "auth", reasonCode: 0x19, properties: { ...method, authenticationData: first } });
  const last = await again;
  assert.equal(last, proven);
  await peer.nothing();
  await peer.leave();
}

export async function s4_10_request_response() {
  const [topic, answers] = [topicOf(5, "request"), topicOf(5, "answers")];
  const asks = await (await new Peer(5, "asks").enter()).subscribe(answers);
  const tells = await (await new Peer(5, "tells").enter()).subscribe(topic);
  const correlationData = Buffer.from([0, 0xff, 0x37]);
  await asks.publish(topic, { properties: { responseTopic: answers, correlationData } });
  const request = (await tells.message()).properties;
  await tells.publish(request.responseTopic, { properties: { correlationData: request.correlationData } });
  assert.deepEqual((await asks.message()).properties.correlationData, correlationData);
}

/** Runs a feature, which has so much time. */
async function run(name, version) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} ${version}: what was waited for did not come`)), DEADLINE_MS);
  });
  await Promise.race([features[name](VERSIONS[version]), late]);
  clearTimeout(timer);
}

if (asked.length > 0) {
  await run(...asked);
} else {
  const failed = [];
  for (const name of Object.keys(features)) {
    for (const version of features[name].length > 0 ? Object.keys(VERSIONS) : ["5.0"]) {
      const started = performance.now();
      await run(name, version).catch((error) => {
        console.error(error);
        failed.push(`${name} ${version}`);
      });
      console.log(`${name} ${version}: ${((performance.now() - started) / 1_000).toFixed(2)} s`);
    }
  }
  assert.deepEqual(failed, []);
}
// Connections that are still there must not keep the process.
process.exit(0);
