/** What a form about a device holds, what it means, and what to make of a change that came too late. */
import type { Device } from "@/api/queries";

/** A name and its value, as they are filled in. */
export interface Pair {
  name: string;
  value: string;
}

/** What the form holds. */
export interface DeviceForm {
  name: string;
  /** The id of the type; empty for none. */
  type: string;
  attributes: Pair[];
  tags: Pair[];
  latitude: string;
  longitude: string;
}

/** What the server is asked for. */
export type Wanted = Pick<Device, "name" | "attributes" | "tags" | "location"> & { type: string | null };

const pairsOf = (values: Device["tags"]): Pair[] => Object.entries(values).map(([name, value]) => ({ name, value }));

const valuesOf = (pairs: readonly Pair[]): Device["tags"] =>
  Object.fromEntries(pairs.filter(({ name }) => name.trim() !== "").map(({ name, value }) => [name.trim(), value.trim()]));

/** An empty form. */
export const EMPTY: DeviceForm = { name: "", type: "", attributes: [], tags: [], latitude: "", longitude: "" };

/** A form that changes nothing. */
export function formOf({ name, type, attributes, tags, location }: Device): DeviceForm {
  return {
    name,
    type: type?.id ?? "",
    attributes: pairsOf(attributes),
    tags: pairsOf(tags),
    latitude: location === null ? "" : String(location.latitude),
    longitude: location === null ? "" : String(location.longitude),
  };
}

/** What a form that is filled in rightly means. */
export function wantedOf(form: DeviceForm): Wanted {
  const { latitude, longitude } = form;
  return {
    name: form.name.trim(),
    type: form.type === "" ? null : form.type,
    attributes: valuesOf(form.attributes),
    tags: valuesOf(form.tags),
    location: latitude.trim() === "" ? null : { latitude: Number(latitude), longitude: Number(longitude) },
  };
}

/** What is wrong with rows of names and values: a value without a name, or a name that stands there twice. */
export function wrongPair(pairs: readonly Pair[]): { twice: string } | "unnamed" | null {
  const seen = new Set<string>();
  for (const pair of pairs) {
    const name = pair.name.trim();
    if (name === "" && pair.value.trim() !== "") return "unnamed";
    if (name !== "" && seen.has(name)) return { twice: name };
    seen.add(name);
  }
  return null;
}

/** Whether a text is a number of degrees, or empty. */
export function isDegrees(text: string): boolean {
  return text.trim() === "" || Number.isFinite(Number(text));
}

/** The place that is filled in, if it is one by now. */
export function locationOf({ latitude, longitude }: Pick<DeviceForm, "latitude" | "longitude">): Device["location"] {
  const isPlace = [latitude, longitude].every((text) => text.trim() !== "" && isDegrees(text));
  const [one, other] = [Number(latitude), Number(longitude)];
  return isPlace && Math.abs(one) <= 90 && Math.abs(other) <= 180 ? { latitude: one, longitude: other } : null;
}

const wantedNow = (device: Device): Wanted => wantedOf(formOf(device));
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const sorted = (values: Device["tags"]) => Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(device: Device, wanted: Wanted): Partial<Wanted> {
  const now = wantedNow(device);
  return {
    ...(wanted.name === now.name ? {} : { name: wanted.name }),
    ...(wanted.type === now.type ? {} : { type: wanted.type }),
    ...(isSame(sorted(wanted.attributes), sorted(now.attributes)) ? {} : { attributes: wanted.attributes }),
    ...(isSame(sorted(wanted.tags), sorted(now.tags)) ? {} : { tags: wanted.tags }),
    ...(isSame(wanted.location, now.location) ? {} : { location: wanted.location }),
  };
}

/** Both changes of names and values: each that was not touched here follows. */
function both(seen: Device["tags"], wanted: Device["tags"], now: Device["tags"]): Device["tags"] {
  const result = new Map(Object.entries(now));
  for (const name of new Set([...Object.keys(seen), ...Object.keys(wanted)])) {
    const value = wanted[name];
    if (value === seen[name]) continue;
    if (value === undefined) result.delete(name);
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

/** What was filled in, on top of how the device is by now: what nobody touched here follows. */
export function merged(seen: Device, form: DeviceForm, now: Device): DeviceForm {
  const [before, after, wanted] = [formOf(seen), formOf(now), wantedOf(form)];
  const moved = form.latitude !== before.latitude || form.longitude !== before.longitude;
  const place = moved ? form : after;
  return {
    name: form.name === before.name ? after.name : form.name,
    type: form.type === before.type ? after.type : form.type,
    attributes: pairsOf(both(seen.attributes, wanted.attributes, now.attributes)),
    tags: pairsOf(both(seen.tags, wanted.tags, now.tags)),
    latitude: place.latitude,
    longitude: place.longitude,
  };
}

/** What a conflict can be in. */
export type Fact = "name" | "type" | "state" | "location" | "attributes" | "tags";

/** A fact that is no longer as it was seen; null where there was or is nothing. */
export interface Difference {
  fact: Fact;
  /** Which attribute or tag. */
  of: string | null;
  seen: string | boolean | null;
  now: string | boolean | null;
}

/** What is different from what was seen. */
export function differences(seen: Device, now: Device): Difference[] {
  const place = ({ location }: Device) => (location === null ? null : `${location.latitude}, ${location.longitude}`);
  const plain: Difference[] = [
    { fact: "name", of: null, seen: seen.name, now: now.name },
    { fact: "type", of: null, seen: seen.type?.name ?? null, now: now.type?.name ?? null },
    { fact: "state", of: null, seen: seen.enabled, now: now.enabled },
    { fact: "location", of: null, seen: place(seen), now: place(now) },
  ];
  const named = (["attributes", "tags"] as const).flatMap((fact) =>
    [...new Set([...Object.keys(seen[fact]), ...Object.keys(now[fact])])].map((of): Difference => {
      return { fact, of, seen: seen[fact][of] ?? null, now: now[fact][of] ?? null };
    }),
  );
  return [...plain, ...named].filter((one) => one.seen !== one.now);
}
