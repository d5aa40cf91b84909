/** What a form about a group holds, what a group shares, and what to make of a change that came too late. */
import type { Group } from "@/api/groups";

/** What the form holds. */
export type GroupFields = Pick<Group, "name" | "description">;

/** Who and what is in a group. */
export const PARTS = ["members", "devices", "places"] as const;

/** One of them. */
export type Part = (typeof PARTS)[number];

/** An empty form. */
export const EMPTY: GroupFields = { name: "", description: "" };

/** A form that changes nothing. */
export function fieldsOf({ name, description }: Group): GroupFields {
  return { name, description };
}

/** What a form that is filled in rightly means. */
export function wantedOf({ name, description }: GroupFields): GroupFields {
  return { name: name.trim(), description: description.trim() };
}

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(group: Group, wanted: GroupFields): Partial<GroupFields> {
  return {
    ...(wanted.name === group.name ? {} : { name: wanted.name }),
    ...(wanted.description === group.description ? {} : { description: wanted.description }),
  };
}

/** What was filled in, on top of how the group is by now: what nobody touched here follows. */
export function merged(seen: Group, form: GroupFields, now: Group): GroupFields {
  return {
    name: form.name === seen.name ? now.name : form.name,
    description: form.description === seen.description ? now.description : form.description,
  };
}

/** Who or what is in a part of a group, with the names that people know. */
export function thingsOf(group: Group, part: Part): { id: string; name: string }[] {
  if (part === "members") return group.members.map(({ id, login }) => ({ id, name: login }));
  return group[part];
}

/** The ids that take the place of those of a part. */
export type WantedPart = Partial<Record<Part, string[]>>;

/** What the server is asked for, so that others are in the group, too. */
export function withAll(group: Group, part: Part, ids: readonly string[]): WantedPart {
  return { [part]: [...new Set([...thingsOf(group, part).map(({ id }) => id), ...ids])] };
}

/** What the server is asked for, so that one is not in the group any more. */
export function without(group: Group, part: Part, id: string): WantedPart {
  return { [part]: thingsOf(group, part).flatMap((one) => (one.id === id ? [] : [one.id])) };
}

/** A fact that is no longer as it was seen, or something that came in or went out. */
export type Difference = { fact: "name" | "description"; was: string; is: string } | { fact: Part; name: string; isIn: boolean };

/** What is different from what was seen. */
export function differences(seen: Group, now: Group): Difference[] {
  const facts = (["name", "description"] as const)
    .filter((fact) => seen[fact] !== now[fact])
    .map((fact) => ({ fact, was: seen[fact], is: now[fact] }));
  const moved = PARTS.flatMap((part) => {
    const [before, after] = [thingsOf(seen, part), thingsOf(now, part)];
    const missingIn = (others: typeof before) => {
      const known = new Set(others.map(({ id }) => id));
      return ({ id }: { id: string }) => !known.has(id);
    };
    return [
      ...after.filter(missingIn(before)).map(({ name }) => ({ fact: part, name, isIn: true })),
      ...before.filter(missingIn(after)).map(({ name }) => ({ fact: part, name, isIn: false })),
    ];
  });
  return [...facts, ...moved];
}

/** Only those that have these words in one of their texts. */
export function withWords<Thing>(things: readonly Thing[], words: string, texts: (thing: Thing) => string[]): Thing[] {
  const wanted = words.trim().toLowerCase();
  return things.filter((thing) => texts(thing).some((text) => text.toLowerCase().includes(wanted)));
}
