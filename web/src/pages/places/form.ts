/** What a form about a place holds, what it means, and what to make of a change that came too late. */
import type { Place } from "@/api/queries";

/** What the form holds. */
export interface PlaceFields {
  name: string;
  level: string;
  latitude: string;
  longitude: string;
}

/** What the server is asked for. */
export type WantedPlace = Pick<Place, "name" | "level" | "location">;

const LEVELS = { least: -100, most: 1_000 };

/** An empty form. */
export const EMPTY: PlaceFields = { name: "", level: "", latitude: "", longitude: "" };

/** A form that changes nothing. */
export function fieldsOf({ name, level, location }: Place): PlaceFields {
  return {
    name,
    level: level === null ? "" : String(level),
    latitude: location === null ? "" : String(location.latitude),
    longitude: location === null ? "" : String(location.longitude),
  };
}

/** Whether a text is a level, or empty. */
export function isLevel(text: string): boolean {
  const level = Number(text);
  return text.trim() === "" || (Number.isInteger(level) && level >= LEVELS.least && level <= LEVELS.most);
}

/** What a form that is filled in rightly means. */
export function wantedOf({ name, level, latitude, longitude }: PlaceFields): WantedPlace {
  return {
    name: name.trim(),
    level: level.trim() === "" ? null : Number(level),
    location: latitude.trim() === "" ? null : { latitude: Number(latitude), longitude: Number(longitude) },
  };
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(place: Place, wanted: WantedPlace): Partial<WantedPlace> {
  const now = wantedOf(fieldsOf(place));
  return {
    ...(wanted.name === now.name ? {} : { name: wanted.name }),
    ...(wanted.level === now.level ? {} : { level: wanted.level }),
    ...(isSame(wanted.location, now.location) ? {} : { location: wanted.location }),
  };
}

/** What was filled in, on top of how the place is by now: what nobody touched here follows. */
export function merged(seen: Place, form: PlaceFields, now: Place): PlaceFields {
  const [before, after] = [fieldsOf(seen), fieldsOf(now)];
  const moved = form.latitude !== before.latitude || form.longitude !== before.longitude;
  return {
    name: form.name === before.name ? after.name : form.name,
    level: form.level === before.level ? after.level : form.level,
    latitude: (moved ? form : after).latitude,
    longitude: (moved ? form : after).longitude,
  };
}

/** A fact that is no longer as it was seen; null where there was or is nothing. */
export interface Difference {
  fact: "name" | "level" | "location" | "plan";
  seen: string | null;
  now: string | null;
}

/** What is different from what was seen. */
export function differences(seen: Place, now: Place): Difference[] {
  const facts = ({ name, level, location, plan }: Place): Record<Difference["fact"], string | null> => ({
    name,
    level: level === null ? null : String(level),
    location: location === null ? null : `${location.latitude}, ${location.longitude}`,
    plan: plan === null ? null : `${plan.width} × ${plan.height}`,
  });
  const [before, after] = [facts(seen), facts(now)];
  return (["name", "level", "location", "plan"] as const)
    .map((fact) => ({ fact, seen: before[fact], now: after[fact] }))
    .filter((one) => one.seen !== one.now);
}
