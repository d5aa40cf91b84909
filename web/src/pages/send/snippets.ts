/** Ready-to-paste commands that send one reading to this server. */

/** The ways that the page shows, in their order. */
export const ways = ["line", "json", "telegraf", "python"] as const;

/** One way to send readings. */
export type Way = (typeof ways)[number];

/** Whether a text from the address names a way. */
export function isWay(text: string | undefined): text is Way {
  return ways.some((way) => way === text);
}

/** Where to send to, and with what. */
export interface Target {
  /** The address of the page, without a path. */
  origin: string;
  database: string;
  token: string;
}

/** The table that all examples write to. */
export const EXAMPLE_TABLE = "room";

function line({ origin, database, token }: Target): string {
  return `curl -i "${origin}/write?db=${encodeURIComponent(database)}" \\
  -H "Authorization: Bearer ${token}" \\
  --data-binary "${EXAMPLE_TABLE},place=kitchen temperature=21.5,humidity=48"`;
}

function json({ origin, database, token }: Target): string {
  return `curl -i "${origin}/api/v1/readings?db=${encodeURIComponent(database)}&table=${EXAMPLE_TABLE}" \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" \\
  --data '{"tags": {"place": "kitchen"}, "temperature": 21.5, "humidity": 48}'`;
}

function telegraf({ origin, database, token }: Target): string {
  return `[[outputs.influxdb_v2]]
  urls = ["${origin}"]
  token = "${token}"
  organization = "sensorium"
  bucket = "${database}"

[[inputs.cpu]]
[[inputs.mem]]
[[inputs.disk]]
  ignore_fs = ["tmpfs", "devtmpfs", "overlay", "squashfs"]`;
}

function python({ origin, database, token }: Target): string {
  return `import json
import urllib.request

request = urllib.request.Request(
    "${origin}/api/v1/readings?db=${encodeURIComponent(database)}&table=${EXAMPLE_TABLE}",
    data=json.dumps({"tags": {"place": "kitchen"}, "temperature": 21.5, "humidity": 48}).encode(),
    headers={"Authorization": "Bearer ${token}", "Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())`;
}

const writers: Record<Way, (target: Target) => string> = { line, json, telegraf, python };

/** The text to paste. */
export function snippet(way: Way, target: Target): string {
  return writers[way](target);
}
