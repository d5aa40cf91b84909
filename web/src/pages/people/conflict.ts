/** What to make of a change that came too late: the server then says how the person is by now. */
import type { Person } from "@/api/queries";

/** What a change is about and a conflict can be in. */
export const FACTS = ["name", "role", "status", "class"] as const;

/** One of them. */
export type Fact = (typeof FACTS)[number];

/** A fact that is no longer as it was seen. */
export interface Difference {
  fact: Fact;
  seen: string;
  now: string;
}

/** What is different from what was seen. */
export function differences(seen: Person, now: Person): Difference[] {
  const word = (person: Person, fact: Fact) => (fact === "class" ? (person.class?.name ?? "") : person[fact]);
  return FACTS.map((fact) => ({ fact, seen: word(seen, fact), now: word(now, fact) })).filter(({ seen: was, now: is }) => was !== is);
}

/** What a form of name, role and class holds. */
export interface Wanted extends Pick<Person, "name" | "role"> {
  /** The class's id; null for none. */
  class: string | null;
}

/** What the form begins with. */
export function wantedOf({ name, role, class: of }: Person): Wanted {
  return { name, role, class: of?.id ?? null };
}

/** What was filled in, on top of how the person is by now: a field that nobody touched here follows. */
export function merged(seen: Person, wanted: Wanted, now: Person): Wanted {
  return {
    name: wanted.name === seen.name ? now.name : wanted.name,
    role: wanted.role === seen.role ? now.role : wanted.role,
    class: wanted.class === wantedOf(seen).class ? wantedOf(now).class : wanted.class,
  };
}

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(person: Person, wanted: Wanted): Partial<Wanted> {
  return {
    ...(wanted.name === person.name ? {} : { name: wanted.name }),
    ...(wanted.role === person.role ? {} : { role: wanted.role }),
    ...(wanted.class === wantedOf(person).class ? {} : { class: wanted.class }),
  };
}
