/** What of the page is kept in its address: the tab, its filters, and what is looked at closely. */

/** The tabs, the first of which is shown when none is named. */
export const TABS = ["topics", "clients", "retained"] as const;

/** One of them. */
export type Tab = (typeof TABS)[number];

/** The filter that lets everything through but what begins with `$`. */
export const EVERYTHING = "#";

/** Search parameters. */
export interface MqttSearch {
  /** Absent for the topics. */
  tab?: Tab;
  /** The topic filter of the topics and of the retained messages; absent for everything. */
  filter?: string;
  /** The topic that one looks at. */
  topic?: string;
  /** Stands in the name or the address of a client. */
  q?: string;
  /** Only clients that are connected. */
  connected?: true;
  /** The client that one looks at. */
  client?: string;
  /** The cursor of a page of a list that is not the first. */
  after?: string;
}

const TEXTS = ["filter", "topic", "q", "client", "after"] as const;

/** Keeps only parameters that are understood. */
export function validateSearch(search: { [Name in keyof MqttSearch]?: unknown }): MqttSearch {
  const kept: MqttSearch = {};
  const tab = TABS.find((known) => known === search.tab);
  if (tab !== undefined && tab !== TABS[0]) kept.tab = tab;
  for (const name of TEXTS) {
    const value = search[name];
    // The router reads digits alone as a number, and true as a boolean.
    const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    if (typeof text === "string" && text !== "") kept[name] = text;
  }
  if (kept.filter === EVERYTHING) delete kept.filter;
  if (search.connected === true || search.connected === "true") kept.connected = true;
  return kept;
}
