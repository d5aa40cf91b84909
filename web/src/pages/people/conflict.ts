/** What to make of a change that came too late: the server then says how the person is by now. */
import type { Person } from "@/api/queries";

/** What a change is about and a conflict can be in. */
export const FACTS = ["name", "role", "status"] as const;

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
  return FACTS.filter((fact) => seen[fact] !== now[fact]).map((fact) => ({ fact, seen: seen[fact], now: now[fact] }));
}

/** What a form of name and role holds. */
export type Wanted = Pick<Person, "name" | "role">;

/** What was filled in, on top of how the person is by now: a field that nobody touched here follows. */
export function merged(seen: Person, wanted: Wanted, now: Person): Wanted {
  return {
    name: wanted.name === seen.name ? now.name : wanted.name,
    role: wanted.role === seen.role ? now.role : wanted.role,
  };
}

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(person: Person, wanted: Wanted): Partial<Wanted> {
  return {
    ...(wanted.name === person.name ? {} : { name: wanted.name }),
    ...(wanted.role === person.role ? {} : { role: wanted.role }),
  };
}
