/** What the page asks about groups, which share devices and places with guests. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { peopleQuery, type Person } from "./queries";
import type { components, paths } from "./schema";

type GroupList = paths["/api/v1/groups"]["get"]["responses"][200]["content"]["application/json"];

/** A group with who is in it and what it shares. */
export type Group = GroupList["groups"][number];

/** What begins the keys of all that is asked about groups. */
export const GROUPS_KEY = ["groups"] as const;

/** All groups, by name, for administrators. */
export const groupsQuery = queryOptions({
  queryKey: [...GROUPS_KEY, "all"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/groups", { signal })).groups,
});

/** So many people are asked for at a time, so many times at most. */
const PAGE = 1_000;
const PAGES = 20;

/** Everybody of the organisation who is not deleted; it is asked for anew when the list of people is. */
export const everybodyQuery = queryOptions({
  queryKey: [...peopleQuery.queryKey, "everybody"],
  queryFn: async ({ signal }) => {
    const people: Person[] = [];
    let after: string | null = null;
    for (let page = 0; page < PAGES; page += 1) {
      const query: { limit: number; after?: string } = { limit: PAGE, ...(after === null ? {} : { after }) };
      const answer: components["schemas"]["UserList"] = body(await api.GET("/api/v1/users", { params: { query }, signal }));
      people.push(...answer.users);
      after = answer.next;
      if (after === null) break;
    }
    return people;
  },
});
