/**
 * Every address of the page. A page's code and text are fetched together when its address is entered (or its
 * link is hovered); the shell, which only signed-in people see, is a layout route around them.
 */
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";
import { devicesQuery, sessionQuery, setupQuery } from "@/api/queries";
import { isGuest } from "@/api/roles";
import { loadStrings } from "@/i18n";
import { validateSearch as auditSearch } from "@/pages/audit/search";
import { validateSearch as devicesSearch } from "@/pages/devices/search";
import { validateSearch as exploreSearch } from "@/pages/explore/search";
import { validateSearch as inboxSearch } from "@/pages/inbox/search";
import { validateSearch as mapSearch } from "@/pages/map/search";
import { validateSearch as mqttSearch } from "@/pages/mqtt/search";
import { validateSearch as overviewSearch } from "@/pages/overview/search";
import { validateSearch as placeSearch } from "@/pages/place/search";
import { validateSearch as placesSearch } from "@/pages/places/search";
import { validateSearch as templatesSearch } from "@/pages/templates/search";
import { NotFound, RouteFailure } from "@/shell/Failures";
import { Loading } from "@/shell/Loading";
import { Root } from "@/shell/Root";
import { Shell } from "@/shell/Shell";
import { comesSoon } from "./comesSoon";
import { queryClient } from "./queryClient";
import { safeReturn } from "./safeReturn";

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
  interface StaticDataRouteOption {
    /** Namespace whose `title` names the page in the browser's tab. */
    title?: TitledNamespace;
  }
}

/** Namespaces of text that have a `title`. */
export type TitledNamespace =
  | "overview"
  | "explore"
  | "send"
  | "tokens"
  | "people"
  | "groups"
  | "audit"
  | "devices"
  | "inbox"
  | "mqtt"
  | "places"
  | "map"
  | "device-code"
  | "templates"
  | "networks"
  | "api"
  | "account"
  | "setup"
  | "login"
  | "register"
  | "forgot"
  | "confirm-email"
  | "claim"
  | "invitation";

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Root,
  notFoundComponent: NotFound,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  staticData: { title: "setup" },
  beforeLoad: async ({ context }) => {
    const { needed } = await context.queryClient.query(setupQuery);
    if (!needed) throw redirect({ to: "/" });
  },
  loader: () => loadStrings("setup"),
  component: lazyRouteComponent(() => import("@/pages/setup")),
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  staticData: { title: "login" },
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = safeReturn(search["next"]);
    return next === undefined ? {} : { next };
  },
  loader: () => loadStrings("login"),
  component: lazyRouteComponent(() => import("@/pages/login")),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  staticData: { title: "invitation" },
  loader: () => loadStrings("invitation"),
  component: lazyRouteComponent(() => import("@/pages/invitation")),
});

const register = createRoute({
  getParentRoute: () => root,
  path: "/register",
  staticData: { title: "register" },
  loader: () => loadStrings("register"),
  component: lazyRouteComponent(() => import("@/pages/register")),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot",
  staticData: { title: "forgot" },
  loader: () => loadStrings("forgot"),
  component: lazyRouteComponent(() => import("@/pages/forgot")),
});

const confirmEmail = createRoute({
  getParentRoute: () => root,
  path: "/confirm-email",
  staticData: { title: "confirm-email" },
  loader: () => loadStrings("confirm-email"),
  component: lazyRouteComponent(() => import("@/pages/confirm-email")),
});

const claim = createRoute({
  getParentRoute: () => root,
  path: "/claim",
  staticData: { title: "claim" },
  loader: () => loadStrings("claim"),
  component: lazyRouteComponent(() => import("@/pages/claim")),
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.query({ ...sessionQuery, staleTime: "static" });
    if (session) return { session };
    const { needed } = await context.queryClient.query(setupQuery);
    if (needed) throw redirect({ to: "/setup", hash: true });
    const next = location.href === "/" ? {} : { next: location.href };
    throw redirect({ to: "/login", search: next });
  },
});

const overview = createRoute({
  getParentRoute: () => signedIn,
  path: "/",
  staticData: { title: "overview" },
  validateSearch: overviewSearch,
  beforeLoad: ({ context }) => {
    // There is nothing on it that guests may see.
    if (isGuest(context.session.user.role)) throw redirect({ to: "/devices" });
  },
  loader: () => loadStrings("overview", "charts"),
  component: lazyRouteComponent(() => import("@/pages/overview")),
});

const explore = createRoute({
  getParentRoute: () => signedIn,
  path: "/explore",
  staticData: { title: "explore" },
  validateSearch: exploreSearch,
  loader: () => loadStrings("explore", "charts"),
  component: lazyRouteComponent(() => import("@/pages/explore")),
});

const send = createRoute({
  getParentRoute: () => signedIn,
  path: "/send",
  staticData: { title: "send" },
  validateSearch: (search: Record<string, unknown>): { how?: string; db?: string } => ({
    ...(typeof search["how"] === "string" ? { how: search["how"] } : {}),
    ...(typeof search["db"] === "string" ? { db: search["db"] } : {}),
  }),
  loader: () => loadStrings("send"),
  component: lazyRouteComponent(() => import("@/pages/send")),
});

const tokens = createRoute({
  getParentRoute: () => signedIn,
  path: "/tokens",
  staticData: { title: "tokens" },
  validateSearch: (search: Record<string, unknown>): { new?: "devices" } =>
    search["new"] === "devices" ? { new: "devices" } : {},
  loader: () => loadStrings("tokens"),
  component: lazyRouteComponent(() => import("@/pages/tokens")),
});

const people = createRoute({
  getParentRoute: () => signedIn,
  path: "/people",
  staticData: { title: "people" },
  loader: () => loadStrings("people"),
  component: lazyRouteComponent(() => import("@/pages/people")),
});

const groups = createRoute({
  getParentRoute: () => signedIn,
  path: "/groups",
  staticData: { title: "groups" },
  loader: () => loadStrings("groups"),
  component: lazyRouteComponent(() => import("@/pages/groups")),
});

const group = createRoute({
  getParentRoute: () => signedIn,
  path: "/groups/$id",
  staticData: { title: "groups" },
  loader: () => loadStrings("groups"),
  component: lazyRouteComponent(() => import("@/pages/group")),
});

const audit = createRoute({
  getParentRoute: () => signedIn,
  path: "/audit",
  staticData: { title: "audit" },
  validateSearch: auditSearch,
  loader: () => loadStrings("audit"),
  component: lazyRouteComponent(() => import("@/pages/audit")),
});

const devices = createRoute({
  getParentRoute: () => signedIn,
  path: "/devices",
  staticData: { title: "devices" },
  validateSearch: devicesSearch,
  loaderDeps: ({ search }) => search,
  loader: async ({ context, deps }) => {
    await Promise.all([loadStrings("devices"), comesSoon(context.queryClient, devicesQuery(devicesSearch({ ...deps })))]);
  },
  component: lazyRouteComponent(() => import("@/pages/devices")),
});

const deviceTypes = createRoute({
  getParentRoute: () => signedIn,
  path: "/devices/types",
  staticData: { title: "devices" },
  loader: () => loadStrings("devices"),
  component: lazyRouteComponent(() => import("@/pages/device-types")),
});

const newType = createRoute({
  getParentRoute: () => signedIn,
  path: "/devices/types/new",
  staticData: { title: "templates" },
  validateSearch: (search: Record<string, unknown>): { type?: string; submission?: string } => ({
    ...(typeof search["type"] === "string" ? { type: search["type"] } : {}),
    ...(typeof search["submission"] === "string" ? { submission: search["submission"] } : {}),
  }),
  loader: () => loadStrings("templates"),
  component: lazyRouteComponent(() => import("@/pages/type-new")),
});

const device = createRoute({
  getParentRoute: () => signedIn,
  path: "/devices/$id",
  staticData: { title: "devices" },
  validateSearch: (search: Record<string, unknown>): { db?: string } =>
    typeof search["db"] === "string" ? { db: search["db"] } : {},
  loader: () => loadStrings("devices"),
  component: lazyRouteComponent(() => import("@/pages/device")),
});

const inbox = createRoute({
  getParentRoute: () => signedIn,
  path: "/inbox",
  staticData: { title: "inbox" },
  validateSearch: inboxSearch,
  loader: () => loadStrings("inbox"),
  component: lazyRouteComponent(() => import("@/pages/inbox")),
});

const mqtt = createRoute({
  getParentRoute: () => signedIn,
  path: "/mqtt",
  staticData: { title: "mqtt" },
  validateSearch: mqttSearch,
  loader: () => loadStrings("mqtt", "charts"),
  component: lazyRouteComponent(() => import("@/pages/mqtt")),
});

const places = createRoute({
  getParentRoute: () => signedIn,
  path: "/places",
  staticData: { title: "places" },
  validateSearch: placesSearch,
  loader: () => loadStrings("places"),
  component: lazyRouteComponent(() => import("@/pages/places")),
});

const place = createRoute({
  getParentRoute: () => signedIn,
  path: "/places/$id",
  staticData: { title: "places" },
  validateSearch: placeSearch,
  loader: () => loadStrings("places"),
  component: lazyRouteComponent(() => import("@/pages/place")),
});

const map = createRoute({
  getParentRoute: () => signedIn,
  path: "/map",
  staticData: { title: "map" },
  validateSearch: mapSearch,
  loader: () => loadStrings("map"),
  component: lazyRouteComponent(() => import("@/pages/map")),
});

const deviceCode = createRoute({
  getParentRoute: () => signedIn,
  path: "/device-code",
  staticData: { title: "device-code" },
  validateSearch: (search: Record<string, unknown>): { template?: string } =>
    typeof search["template"] === "string" ? { template: search["template"] } : {},
  loader: () => loadStrings("device-code"),
  component: lazyRouteComponent(() => import("@/pages/device-code")),
});

const templates = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates",
  staticData: { title: "templates" },
  validateSearch: templatesSearch,
  loader: () => loadStrings("templates"),
  component: lazyRouteComponent(() => import("@/pages/templates")),
});

const newTemplate = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/new",
  staticData: { title: "templates" },
  validateSearch: (search: Record<string, unknown>): { template?: string; submission?: string } => ({
    ...(typeof search["template"] === "string" ? { template: search["template"] } : {}),
    ...(typeof search["submission"] === "string" ? { submission: search["submission"] } : {}),
  }),
  loader: () => loadStrings("templates"),
  component: lazyRouteComponent(() => import("@/pages/template-new")),
});

const template = createRoute({
  getParentRoute: () => signedIn,
  path: "/templates/$id",
  staticData: { title: "templates" },
  loader: () => loadStrings("templates", "device-code"),
  component: lazyRouteComponent(() => import("@/pages/template")),
});

const networks = createRoute({
  getParentRoute: () => signedIn,
  path: "/networks",
  staticData: { title: "networks" },
  loader: () => loadStrings("networks"),
  component: lazyRouteComponent(() => import("@/pages/networks")),
});

const account = createRoute({
  getParentRoute: () => signedIn,
  path: "/account",
  staticData: { title: "account" },
  loader: () => loadStrings("account"),
  component: lazyRouteComponent(() => import("@/pages/account")),
});

const api = createRoute({
  getParentRoute: () => signedIn,
  path: "/reference",
  staticData: { title: "api" },
  validateSearch: (search: Record<string, unknown>): { operation?: string } =>
    typeof search["operation"] === "string" ? { operation: search["operation"] } : {},
  loader: () => loadStrings("api"),
  component: lazyRouteComponent(() => import("@/pages/reference")),
});

/** The page's router. */
export const router = createRouter({
  routeTree: root.addChildren([
    setup,
    login,
    register,
    forgot,
    confirmEmail,
    claim,
    invitation,
    signedIn.addChildren([
      overview,
      explore,
      send,
      devices,
      deviceTypes,
      newType,
      device,
      inbox,
      mqtt,
      places,
      place,
      map,
      deviceCode,
      templates,
      newTemplate,
      template,
      networks,
      tokens,
      people,
      groups,
      group,
      audit,
      api,
      account,
    ]),
  ]),
  context: { queryClient },
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  defaultErrorComponent: RouteFailure,
  defaultPendingMs: 300,
  scrollRestoration: true,
});

queryClient.getQueryCache().subscribe(({ type, query }) => {
  const ended = type === "updated" && query.queryHash === JSON.stringify(sessionQuery.queryKey) && query.state.data === null;
  if (ended && router.state.matches.some((match) => match.routeId === signedIn.id)) void router.invalidate();
});
