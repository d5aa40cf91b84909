/** The MQTT page: topics as messages come, publishing, clients and their sessions, what is retained; and a broker that does not listen. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { opened } from "./support/focus";
import { type Broker, publish, subscribe } from "./support/mosquitto";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let viewer: Session;
let broker: Broker;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics", "--mqtt", "127.0.0.1:0"]);
  session = await setUp(server);
  viewer = await accept(server, (await invite(server, session, { login: "vera", role: "viewer" })).code, "rotation curves");
  broker = { address: await server.told("mqtt"), password: await token(server, session, { can_read: true, can_write: true }) };
});

/** The row of a level; its name begins with the level and goes on with the last message. */
const row = (page: Page, level: string) => page.getByRole("treeitem", { name: new RegExp(`^${level}\\b`) });
const live = (page: Page) => page.getByText("Live", { exact: true }).and(page.locator("[data-state]")).waitFor();
const topicPanel = (page: Page, topic: string) => page.getByRole("region", { name: `The topic ${topic}`, exact: true });

/** The text of the row that the keys are at. */
const active = (tree: Locator) =>
  tree.evaluate((element) => document.getElementById(element.getAttribute("aria-activedescendant") ?? "")?.textContent ?? "");

it("says what to set where the broker does not listen", async () => {
  const without = await fresh(["--no-host-metrics"]);
  const { page, close } = await open(without, { session: await setUp(without) });
  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "MQTT" }).click();
  await page.getByRole("heading", { name: "The MQTT broker does not listen" }).waitFor();
  await page.getByText("sensorium serve --mqtt 0.0.0.0:1883").waitFor();
  expect(await page.getByRole("tab").count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  await close();
});

it("shows what is retained and what comes, by level, and a topic closely", async () => {
  await publish(broker, "greenhouse/north/door", "closed", "-r");
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt");
  await page.getByRole("region", { name: "The broker's numbers" }).getByText(`mqtt://${broker.address}`).waitFor();
  await row(page, "door").getByText("closed").waitFor();
  await row(page, "door").getByText("0 messages").waitFor();
  await live(page);

  await publish(broker, "greenhouse/north/climate", '{"temperature":21.5,"wind":{"speed":3}}');
  await row(page, "climate").getByText('{"temperature":21.5').waitFor();
  for (const value of ["20", "20.5", "21"]) await publish(broker, "greenhouse/south/temperature", value);
  await row(page, "temperature").getByText("3 messages").waitFor();
  // A level counts what comes below it.
  await row(page, "greenhouse").getByText("4 messages").waitFor();

  await row(page, "temperature").click();
  await page.waitForURL((url) => url.searchParams.get("topic") === "greenhouse/south/temperature");
  const temperature = topicPanel(page, "greenhouse/south/temperature");
  const values = temperature.getByRole("table", { name: /^Last values/ });
  await expect.poll(() => values.getByRole("cell").allTextContents()).toEqual(["21", "20.5", "20"]);
  expect(await temperature.locator('svg[preserveAspectRatio="none"] path').getAttribute("d")).toMatch(/^M/);

  await row(page, "climate").click();
  const climate = topicPanel(page, "greenhouse/north/climate");
  await climate.getByRole("region", { name: /^Payload of/ }).waitFor();
  expect(await climate.locator("pre").textContent()).toBe('{\n  "temperature": 21.5,\n  "wind": {\n    "speed": 3\n  }\n}');
  // A level that nothing came on is one, too, and the address alone leads to a topic.
  await row(page, "north").click();
  await topicPanel(page, "greenhouse/north").getByText("No message came on this topic itself").waitFor();
  await page.goto("/mqtt?topic=greenhouse%2Fnorth%2Fdoor");
  await topicPanel(page, "greenhouse/north/door").getByText("closed").first().waitFor();
  await topicPanel(page, "greenhouse/north/door").getByText("1 · Retained").waitFor();
  await close();
});

it("shows bytes that are no text, and text that could be markup as text", async () => {
  const { page, close } = await open(server, { session });
  page.on("dialog", (shown) => {
    throw new Error(`the page ran what a client sent: ${shown.message()}`);
  });
  await page.goto("/mqtt?filter=odd%2F%23");
  await page.getByRole("heading", { name: "No message yet" }).waitFor();
  await live(page);
  // What ends with "set" is passed on and not stored, so that no name of a table is asked of it.
  await publish(broker, "odd/<img src=x onerror=alert(1)>/set", "<script>alert(2)</script>");
  await page.getByRole("treeitem", { name: /^<img/ }).waitFor();
  await row(page, "set").click();
  await page.locator("pre").getByText("<script>alert(2)</script>").waitFor();
  expect(await page.locator("main img, main script").count()).toBe(0);
  // An argument of a process is no place for every byte.
  const body = JSON.stringify({ topic: "odd/bytes", payload: btoa("\x00\xff\x10AB"), encoding: "base64" });
  const headers = { "Content-Type": "application/json" };
  expect((await call(server, session, "/api/v1/mqtt/publish", { method: "POST", headers, body })).ok).toBe(true);
  await row(page, "bytes").click();
  await page.locator("pre").getByText("0000  00 ff 10 41 42").waitFor();
  await topicPanel(page, "odd/bytes").getByText("5 B, no text").first().waitFor();
  await close();
});

it("goes through the tree with the keys", async () => {
  await publish(broker, "attic/lamp", "off", "-r");
  await publish(broker, "cellar/pump/power/watts", "400", "-r");
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt");
  const tree = page.getByRole("tree", { name: "Topics" });
  await row(page, "cellar").waitFor();
  await row(page, "power").waitFor();
  // Further down only when it is opened.
  expect(await row(page, "watts").count()).toBe(0);
  await tree.focus();
  await page.keyboard.press("Home");
  await expect.poll(() => active(tree)).toMatch(/^attic/);
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => active(tree)).toMatch(/^lamp/);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.searchParams.get("topic") === "attic/lamp");
  await tree.getByRole("treeitem", { name: /^lamp/, selected: true }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => active(tree)).toMatch(/^attic/);
  await page.keyboard.press("ArrowLeft");
  await row(page, "lamp").waitFor({ state: "detached" });
  expect(await tree.getByRole("treeitem", { expanded: false, name: /^attic/ }).count()).toBe(1);
  await page.keyboard.press("ArrowRight");
  await row(page, "lamp").waitFor();
  await page.keyboard.press("p");
  await expect.poll(() => active(tree)).toMatch(/^(pump|power)/);
  await page.keyboard.press("p");
  await expect.poll(() => active(tree)).toMatch(/^(pump|power)/);
  await page.getByRole("button", { name: "Close all" }).click();
  await row(page, "pump").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Open all" }).click();
  await row(page, "watts").waitFor();
  await close();
});

it("holds what is shown while one looks", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt?filter=held%2F%23");
  await page.getByRole("heading", { name: "No message yet" }).waitFor();
  await live(page);
  await publish(broker, "held/a", "1");
  await row(page, "a").getByText("1 message", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused. Nothing came since.").waitFor();
  await publish(broker, "held/a", "2");
  await publish(broker, "held/b", "3");
  await page.getByText("Paused. 2 messages wait.").waitFor();
  expect(await row(page, "b").count()).toBe(0);
  await page.getByRole("button", { name: "Resume" }).click();
  await row(page, "b").waitFor();
  await row(page, "a").getByText("2 messages").waitFor();
  await close();
});

it("filters by topic, and says what is wrong with a filter", async () => {
  await publish(broker, "yard/gate", "open", "-r");
  await publish(broker, "yard/light", "off", "-r");
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt");
  await row(page, "yard").waitFor();
  const filter = page.getByRole("search", { name: "Filter" });
  await filter.getByLabel("Topic filter").fill("yard/#/gate");
  await filter.getByRole("button", { name: "Filter", exact: true }).click();
  await filter.getByText("# stands alone in the last level").waitFor();
  await filter.getByLabel("Topic filter").fill("+/gate");
  await filter.getByLabel("Topic filter").press("Enter");
  await page.waitForURL((url) => url.searchParams.get("filter") === "+/gate");
  await row(page, "gate").waitFor();
  await expect.poll(() => page.getByRole("treeitem").count()).toBe(2);
  // What is retained has the same filter.
  await page.getByRole("tab", { name: "Retained" }).click();
  await page.waitForURL((url) => url.searchParams.get("tab") === "retained" && url.searchParams.get("filter") === "+/gate");
  const table = page.getByRole("table", { name: "Retained messages" });
  await table.getByRole("link", { name: "yard/gate" }).waitFor();
  expect(await table.getByRole("row").count()).toBe(2);
  await filter.getByRole("button", { name: "Clear the filter" }).click();
  await table.getByRole("link", { name: "yard/light" }).waitFor();
  await table.getByRole("link", { name: "yard/gate" }).click();
  await topicPanel(page, "yard/gate").getByText("open").first().waitFor();
  await close();
});

it("publishes, and says what became of it", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt");
  await live(page);
  const form = page.getByRole("region", { name: "Publish" });
  await form.getByRole("button", { name: "Publish" }).click();
  await form.getByText("Enter a topic").waitFor();
  await form.getByLabel("Topic").fill("shed/#");
  await form.getByRole("button", { name: "Publish" }).click();
  await form.getByText("A topic to publish to has no + and no #").waitFor();
  await form.getByLabel("Topic").fill("shed/climate");
  await form.getByLabel("Payload").fill('{"temperature":4}');
  await form.getByLabel("QoS").selectOption("1");
  await form.getByRole("checkbox", { name: "Retain" }).check();
  await form.getByRole("button", { name: "Publish" }).click();
  await form.getByText(/^Published to shed\/climate.* Its reading is stored\.$/).waitFor();
  await page.getByRole("treeitem", { name: /^shed/ }).waitFor();
  const asked = await call(server, session, "/api/v1/databases/main/last?table=climate");
  expect(await asked.text()).toContain("shed/climate");

  // A command is passed on alone; the topic that is chosen is that of the form.
  await form.getByLabel("Topic").fill("shed/valve/set");
  await form.getByRole("checkbox", { name: "Retain" }).uncheck();
  await form.getByRole("button", { name: "Publish" }).click();
  await form.getByText(/^Published to shed\/valve\/set.* It is not stored as a reading\.$/).waitFor();
  await page.getByRole("treeitem", { name: /^set/ }).click();
  await topicPanel(page, "shed/valve/set").waitFor();
  expect(await form.getByLabel("Topic").inputValue()).toBe("shed/valve/set");
  await form.getByLabel("Payload").fill("");
  await form.getByRole("checkbox", { name: "Retain" }).check();
  await form.getByText("An empty payload removes what is retained on the topic.").waitFor();
  await close();
});

it("lists clients, shows one closely, and ends its connection and its session", async () => {
  const display = subscribe(broker, "hall-display", "greenhouse/#");
  const panel = subscribe(broker, "workshop-panel", "shed/+");
  const { page, close } = await open(server, { session, expectedErrors: /404/ });
  await page.goto("/mqtt?tab=clients");
  const table = page.getByRole("table", { name: "Clients and sessions" });
  const entry = table.getByRole("row", { name: /hall-display/ });
  await entry.getByText("Connected").waitFor();
  await entry.getByText("127.0.0.1").waitFor();
  await entry.getByText("5.0").waitFor();
  await table.getByRole("row", { name: /workshop-panel/ }).waitFor();
  const find = page.getByRole("search", { name: "Find clients" });
  await find.getByLabel("Search").fill("hall");
  await find.getByRole("button", { name: "Find" }).click();
  await page.waitForURL((url) => url.searchParams.get("q") === "hall");
  await table.getByRole("row", { name: /workshop-panel/ }).waitFor({ state: "detached" });

  await table.getByRole("link", { name: "hall-display" }).click();
  const drawer = await opened(page, "Client hall-display");
  await drawer.getByRole("row", { name: /greenhouse\/#.*QoS 1/ }).waitFor();
  expect(await violations(page)).toEqual([]);
  await drawer.getByRole("button", { name: "Disconnect" }).click();
  const question = await opened(page, "Disconnect hall-display?");
  expect(await violations(page)).toEqual([]);
  // Escape closes the question alone.
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await drawer.getByRole("button", { name: "Disconnect" }).click();
  await question.getByRole("button", { name: "Disconnect" }).click();
  await page.getByText("hall-display is disconnected.").waitFor();

  // It may have come back by itself; once it is gone, its session is what there is.
  await display.stop();
  await drawer.getByText("Away").waitFor();
  await drawer.getByRole("button", { name: "Disconnect" }).waitFor({ state: "detached" });
  await publish(broker, "greenhouse/north/door", "open", "-r");
  await drawer.getByRole("button", { name: "End session" }).click();
  const ending = await opened(page, "End the session of hall-display?");
  await ending.getByRole("button", { name: "End session" }).click();
  await page.getByText("The session of hall-display is ended.").waitFor();
  await drawer.waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.getByRole("link", { name: "Show all" }).click();
  await table.getByRole("row", { name: /workshop-panel/ }).getByText("Connected").waitFor();

  await panel.stop();
  await table.getByRole("row", { name: /workshop-panel/ }).getByText("Away").waitFor();
  await page.getByLabel("Connected only").check();
  await find.getByRole("button", { name: "Find" }).click();
  await page.waitForURL((url) => url.searchParams.get("connected") === "true");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await close();
});

it("removes what is retained", async () => {
  await publish(broker, "old/thing", "1", "-r");
  const { page, close } = await open(server, { session });
  await page.goto("/mqtt?tab=retained&filter=old%2F%23");
  await page.getByRole("button", { name: "Remove what is retained on old/thing" }).click();
  const question = await opened(page, "Remove what is retained on old/thing?");
  expect(await violations(page)).toEqual([]);
  await question.getByRole("button", { name: "Remove" }).click();
  await page.getByText("Nothing is retained on old/thing any more.").waitFor();
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  const left = await call(server, session, "/api/v1/mqtt/retained?filter=old%2F%23");
  expect(((await left.json()) as { messages: unknown[] }).messages).toEqual([]);
  await close();
});

it("shows viewers everything and lets them change nothing", async () => {
  const panel = subscribe(broker, "vera-looks-at-this", "yard/#");
  await publish(broker, "yard/gate", "shut", "-r");
  const { page, close } = await open(server, { session: viewer });
  await page.goto("/mqtt?topic=yard%2Fgate");
  await topicPanel(page, "yard/gate").getByText("shut").first().waitFor();
  expect(await page.getByRole("region", { name: "Publish" }).count()).toBe(0);
  await page.getByRole("tab", { name: "Retained" }).click();
  await page.getByRole("table", { name: "Retained messages" }).getByRole("link", { name: "yard/gate" }).waitFor();
  expect(await page.getByRole("button", { name: /^Remove/ }).count()).toBe(0);
  await page.getByRole("tab", { name: "Clients" }).click();
  await page.getByRole("link", { name: "vera-looks-at-this" }).click();
  const drawer = await opened(page, "Client vera-looks-at-this");
  await drawer.getByRole("row", { name: /yard\/#/ }).waitFor();
  expect(await drawer.getByRole("button", { name: /Disconnect|End session/ }).count()).toBe(0);
  await panel.stop();
  await close();
});

describe.each(Object.keys(sizes) as (keyof typeof sizes)[])("on a %s", (size) => {
  it.each(looks)("is accessible and fits, %s", async (look) => {
    await publish(broker, `wide/${"a-long-level-of-a-topic-".repeat(4)}/set`, "x".repeat(400), "-r");
    await publish(broker, "wide/numbers", "1");
    const seen = subscribe(broker, `a-client-with-a-long-name-${"x".repeat(60)}`, "wide/#");
    const { page, close } = await open(server, { session, size, look });
    await page.goto("/mqtt?topic=wide%2Fnumbers");
    await live(page);
    await row(page, "wide").waitFor();
    for (const value of ["1", "2"]) await publish(broker, "wide/numbers", value);
    await topicPanel(page, "wide/numbers").getByRole("table").getByRole("row").nth(1).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole("tab", { name: "Clients" }).click();
    await page.getByRole("link", { name: /^a-client-with-a-long-name/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole("link", { name: /^a-client-with-a-long-name/ }).click();
    const drawer = await opened(page);
    await drawer.getByRole("row", { name: /wide\/#/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "detached" });
    await page.getByRole("tab", { name: "Retained" }).click();
    await page.getByRole("table", { name: "Retained messages" }).getByRole("row", { name: /wide\/a-long/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await seen.stop();
    await close();
  });
});
