/** Sites, buildings and floors as a tree. */
import type { Place } from "@/api/queries";

/** A place and what is in it. */
export interface Branch {
  place: Place;
  children: Branch[];
  /** How many devices stand on its plan and on those below. */
  devices: number;
}

/** What can be in a place; null for what nothing is in. */
export const INNER = { site: "building", building: "floor", floor: null } as const;

const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Floors from the lowest to the highest, those without a level at the end; everything else by name. */
function compare(one: Place, other: Place): number {
  const level = (one.level ?? Number.POSITIVE_INFINITY) - (other.level ?? Number.POSITIVE_INFINITY);
  // Two without a level differ by NaN.
  return level < 0 || level > 0 ? level : order.compare(one.name, other.name);
}

/** The places that stand by themselves, with all that is in them. */
export function treeOf(places: readonly Place[]): Branch[] {
  const within = new Map<string | null, Place[]>();
  const known = new Set(places.map(({ id }) => id));
  for (const place of places) {
    const parent = place.parent !== null && known.has(place.parent) ? place.parent : null;
    const others = within.get(parent);
    if (others === undefined) within.set(parent, [place]);
    else others.push(place);
  }
  const branches = (parent: string | null): Branch[] =>
    (within.get(parent) ?? []).sort(compare).map((place) => {
      const children = branches(place.id);
      return { place, children, devices: children.reduce((sum, { devices }) => sum + devices, place.devices) };
    });
  return branches(null);
}

/** Only places whose names have these words in them, with what they are in and what is in them. */
export function filtered(branches: readonly Branch[], words: string): Branch[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return [...branches];
  return branches.flatMap((branch) => {
    if (branch.place.name.toLowerCase().includes(wanted)) return [branch];
    const children = filtered(branch.children, wanted);
    return children.length === 0 ? [] : [{ ...branch, children }];
  });
}

/** What a place is in, the outermost first, without itself. */
export function pathTo(places: readonly Place[], place: Place): Place[] {
  const outer: Place[] = [];
  let parent = place.parent;
  while (parent !== null) {
    const id = parent;
    const found = places.find((one) => one.id === id);
    if (found === undefined || outer.includes(found)) break;
    outer.unshift(found);
    parent = found.parent;
  }
  return outer;
}
