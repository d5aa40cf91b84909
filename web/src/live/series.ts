/**
 * Series keys: `name=value` pairs sorted by name and joined by commas, with `,`, `=` and `\` escaped by `\`.
 */

export type Tags = Readonly<Record<string, string>>;

const parsed = new Map<string, Tags>();
const PARSED_LIMIT = 20_000;

/** The tags of a canonical series key; equal keys give the same object. */
export function parseSeriesKey(key: string): Tags {
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  let name: string | null = null;
  let current = "";
  for (let i = 0; i <= key.length; i += 1) {
    const character = key[i];
    if (character === "\\") {
      i += 1;
      current += key[i] ?? "";
    } else if (character === "=" && name === null) {
      name = current;
      current = "";
    } else if (character === "," || character === undefined) {
      if (name !== null) tags[name] = current;
      name = null;
      current = "";
    } else {
      current += character;
    }
  }
  if (parsed.size >= PARSED_LIMIT) parsed.clear();
  parsed.set(key, tags);
  return tags;
}

/** The canonical key of tags. */
export function seriesKey(tags: Tags): string {
  const escape = (text: string) => text.replace(/[,=\\]/g, "\\$&");
  return Object.keys(tags)
    .sort()
    .map((name) => `${escape(name)}=${escape(tags[name] as string)}`)
    .join(",");
}
