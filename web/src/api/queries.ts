/** What the page asks the server for, as react-query options: one key and one fetcher per question. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { i18n } from "@/i18n";
import { ApiError, api, body } from "./client";
import type { components, operations } from "./schema";

/** Who is signed in. */
export type Session = components["schemas"]["SessionBody"] & {
  user: NonNullable<components["schemas"]["SessionBody"]["user"]>;
};
/** A person of the organisation. */
export type Person = components["schemas"]["User"];
/** A browser in which one is signed in. */
export type PersonClass = components["schemas"]["PersonClass"];

export type OwnSession = components["schemas"]["OwnSession"];
/** A change that was recorded. */
export type AuditItem = components["schemas"]["AuditItem"];
/** A template of code for devices, without its files. */
export type Template = components["schemas"]["TemplateEntry"];
/** Something to fill in for a template. */
export type TemplateVariable = components["schemas"]["TemplateVariable"];
/** A Wi-Fi network without its password. */
export type Network = components["schemas"]["WifiNetwork"];
/** A device of the registry. */
export type Device = components["schemas"]["Device"];
/** A device with its newest values. */
export type DeviceWithValues = components["schemas"]["DeviceWithValues"];
/** What a kind of devices is called, measures and writes to. */
export type TypeDefinition = components["schemas"]["TypeDefinition"];
/** A kind of devices of the organisation. */
export type DeviceType = components["schemas"]["KindOfDevice"];
/** A site, a building or a floor. */
export type Place = components["schemas"]["Place"];
/** What is known about the plan of a place. */
export type PlanOfPlace = components["schemas"]["PlanOfPlace"];
/** A device on the plan of a place, with its newest values. */
export type DeviceOnPlan = components["schemas"]["DeviceOnPlan"];
/** One access token without its secret. */
export type Token = components["schemas"]["Token"];

/** The session of a person; a token, which has no user, is nobody here. */
export function sessionOf(given: components["schemas"]["SessionBody"]): Session | null {
  return given.user == null ? null : { ...given, user: given.user };
}

/** The session, or null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return sessionOf(body(await api.GET("/api/v1/session", { signal })));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** Whether the server still waits for its first administrator. */
export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/setup", { signal })),
});

/** How often the server is asked whether it takes readings. */
const READY_MS = 15_000;

/** Whether the server takes readings, part by part. */
export const readyQuery = queryOptions({
  queryKey: ["ready"],
  refetchInterval: READY_MS,
  retry: false,
  queryFn: async ({ signal }) => body(await api.GET("/ready", { signal })),
});

/** The organisation's access tokens. */
export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/tokens", { signal })).tokens,
});

/** How many people are asked for at a time. */
const PEOPLE_PAGE = 100;

/** The people of the organisation, for administrators; those who were added last come last. */
export const peopleQuery = infiniteQueryOptions({
  queryKey: ["people"],
  initialPageParam: null as string | null,
  getNextPageParam: (page: components["schemas"]["UserList"]) => page.next,
  queryFn: async ({ pageParam, signal }) => {
    const query = { limit: PEOPLE_PAGE, ...(pageParam === null ? {} : { after: pageParam }) };
    return body(await api.GET("/api/v1/users", { params: { query }, signal }));
  },
});

/** The classes of people, by name, for administrators. */
export const classesQuery = queryOptions({
  queryKey: ["classes"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/classes", { signal })).classes,
});

/** What one's own class bounds. */
export const ownQuotasQuery = queryOptions({
  queryKey: ["own-quotas"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/account/quotas", { signal })),
});

/** How one is linked with the provider. */
export const ownIdentityQuery = queryOptions({
  queryKey: ["own-identity"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/account/identity", { signal })),
});

/** How one gets in besides a login and a password. */
export const registrationQuery = queryOptions({
  queryKey: ["registration"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/registration", { signal })),
});

/** Whether whoever forgot a password can be sent a link: whether the server sends mail. */
export const passwordResetQuery = queryOptions({
  queryKey: ["password-reset"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/password-reset", { signal })),
});

/** One's own e-mail address. */
export const ownEmailQuery = queryOptions({
  queryKey: ["own-email"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/account/email", { signal })),
});

/** The claim link of a device that is out; null if there is none. */
export const claimLinkQuery = (id: string) =>
  queryOptions({
    queryKey: ["claim-link", id],
    queryFn: async ({ signal }) => {
      try {
        return body(await api.GET("/api/v1/devices/{id}/claim", { params: { path: { id } }, signal }));
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });

/** How many changes are on a page. */
const AUDIT_PAGE = 50;

/** Which changes, and after which one the page begins. */
export type AuditQuestion = Omit<NonNullable<operations["audit"]["parameters"]["query"]>, "limit" | "format">;

/** A page of the record of changes, for administrators; the newest first. */
export const auditQuery = (question: AuditQuestion) =>
  queryOptions({
    queryKey: ["audit", question],
    queryFn: async ({ signal }) =>
      pageOf(body(await api.GET("/api/v1/audit", { params: { query: { ...question, limit: AUDIT_PAGE } }, signal }))),
  });

// The operations that list also answer in CSV, which is not asked for here.
function pageOf<T>(answer: T | string): T {
  if (typeof answer === "string") throw new ApiError(i18n.t("errors.unexpected", { status: 200 }), 200, "internal");
  return answer;
}

/** How many devices are asked for at first: enough for a screen, and answered at once. */
const FIRST_DEVICES = 100;
/** How many more are asked for as one scrolls. */
const MORE_DEVICES = 500;
/** How often the state of a device is asked for; the server writes it down as often. */
const DEVICE_MS = 5_000;

/** Which devices, and in which order. */
export type DevicesQuestion = Omit<NonNullable<operations["devices"]["parameters"]["query"]>, "limit" | "format" | "after">;

/** What begins the keys of all that is asked about devices. */
export const DEVICES_KEY = ["devices"] as const;

/** The devices, page by page. */
export const devicesQuery = (question: DevicesQuestion) =>
  infiniteQueryOptions({
    queryKey: [...DEVICES_KEY, "list", question],
    initialPageParam: null as string | null,
    getNextPageParam: (page: components["schemas"]["DeviceList"]) => page.next,
    queryFn: async ({ pageParam, signal }) => {
      const part = pageParam === null ? { limit: FIRST_DEVICES } : { limit: MORE_DEVICES, after: pageParam };
      return pageOf(body(await api.GET("/api/v1/devices", { params: { query: { ...question, ...part } }, signal })));
    },
  });

/** The most pages of devices that the map loads. */
const MAP_PAGES = 20;

/** All devices that have a place in the world; `isCut` says that there may be more. */
export const locatedDevicesQuery = queryOptions({
  queryKey: [...DEVICES_KEY, "located"],
  queryFn: async ({ signal }) => {
    const devices: Device[] = [];
    let after: string | null = null;
    for (let page = 0; page < MAP_PAGES; page += 1) {
      const query: DevicesQuestion & { limit: number; after?: string } = { limit: 1_000, ...(after === null ? {} : { after }) };
      const answer: components["schemas"]["DeviceList"] = pageOf(body(await api.GET("/api/v1/devices", { params: { query }, signal })));
      devices.push(...answer.devices.filter(({ location }) => location !== null));
      after = answer.next;
      if (after === null) break;
    }
    return { devices, isCut: after !== null };
  },
});

/** A device with its newest values in a database; in `main` if none is named. */
export const deviceQuery = (id: string, database?: string) =>
  queryOptions({
    queryKey: [...DEVICES_KEY, "one", id, database ?? null],
    refetchInterval: DEVICE_MS,
    queryFn: async ({ signal }) =>
      body(
        await api.GET("/api/v1/devices/{id}", {
          params: { path: { id }, query: database === undefined ? {} : { db: database } },
          signal,
        }),
      ),
  });

/** The API tokens of a device, for editors. */
export const deviceTokensQuery = (id: string) =>
  queryOptions({
    queryKey: [...DEVICES_KEY, "tokens", id],
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/devices/{id}/tokens", { params: { path: { id } }, signal })).tokens,
  });

/** The types of devices, by name. */
export const deviceTypesQuery = queryOptions({
  queryKey: [...DEVICES_KEY, "types"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/device-types", { signal })).types,
});

/** The types of devices that come with the server, so they change with it alone. */
export const shippedTypesQuery = queryOptions({
  queryKey: ["shipped-types"],
  staleTime: 600_000,
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/device-types/shipped", { signal })).types,
});

/** What begins the keys of all that is asked about places. */
export const PLACES_KEY = ["places"] as const;

/** All sites, buildings and floors, by name. */
export const placesQuery = queryOptions({
  queryKey: [...PLACES_KEY, "all"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/places", { signal })).places,
});

/** The devices on the plan of a place with their newest values in a database; in `main` if none is named. */
export const placeDevicesQuery = (id: string, database?: string) =>
  queryOptions({
    queryKey: [...PLACES_KEY, "devices", id, database ?? null],
    refetchInterval: DEVICE_MS,
    queryFn: async ({ signal }) =>
      body(
        await api.GET("/api/v1/places/{id}/devices", {
          params: { path: { id }, query: database === undefined ? {} : { db: database } },
          signal,
        }),
      ).devices,
  });

/** The templates of code for devices; they come with the server, so they change with it alone. */
export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  staleTime: 600_000,
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/templates", { signal })).templates,
});

/** The Wi-Fi networks of the organisation, by name; from editors on. */
export const networksQuery = queryOptions({
  queryKey: ["networks"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/networks", { signal })).networks,
});

/** Where one is signed in. */
export const ownSessionsQuery = queryOptions({
  queryKey: ["own-sessions"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/account/sessions", { signal })).sessions,
});

/** Whether one's own sign-in takes a code. */
export const ownSecondFactorQuery = queryOptions({
  queryKey: ["own-second-factor"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/account/second-factor", { signal })),
});

/** The organisation's databases. */
export const databasesQuery = queryOptions({
  queryKey: ["databases"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/databases", { signal })).databases,
});

/** Tables of a database with their columns. */
export const tablesQuery = (database: string) =>
  queryOptions({
    queryKey: ["tables", database],
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/databases/{database}/tables", { params: { path: { database } }, signal })).tables,
  });

/** The newest value of each field of the newest series of each table. */
export const lastQuery = (database: string, table?: string, seriesLimit = 20) =>
  queryOptions({
    queryKey: ["last", database, table ?? null, seriesLimit],
    queryFn: async ({ signal }) =>
      body(
        await api.GET("/api/v1/databases/{database}/last", {
          params: {
            path: { database },
            query: { series_limit: seriesLimit, ...(table === undefined ? {} : { table }) },
          },
          signal,
        }),
      ),
  });

/** What the server refused lately, newest first. */
export const rejectionsQuery = (limit: number) =>
  queryOptions({
    queryKey: ["rejections", limit],
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/rejections", { params: { query: { limit } }, signal })),
  });
