/** The pages that the side bar, the bottom bar and the command palette lead to, in their order. */
import {
  Activity,
  Braces,
  Building2,
  CircuitBoard,
  Compass,
  Cpu,
  FileCode2,
  Inbox,
  KeyRound,
  type LucideIcon,
  MapPinned,
  Radio,
  ScrollText,
  Share2,
  SquareTerminal,
  UserRoundCog,
  UsersRound,
  Wifi,
} from "lucide-react";
import { isAtLeast, isGuest, type Role } from "@/api/roles";

/** One page in the navigation. */
export interface Place {
  to:
    | "/"
    | "/explore"
    | "/send"
    | "/devices"
    | "/inbox"
    | "/mqtt"
    | "/places"
    | "/map"
    | "/device-code"
    | "/templates"
    | "/networks"
    | "/tokens"
    | "/people"
    | "/groups"
    | "/audit"
    | "/reference"
    | "/account";
  /** Key of the page's name under `nav`. */
  name: "overview" | "explore" | "send" | "devices" | "inbox" | "mqtt" | "places" | "map" | "deviceCode" | "templates" | "networks" | "tokens" | "people" | "groups" | "audit" | "api" | "account";
  icon: LucideIcon;
  /** Whether it has a place in the bottom bar of a phone; the others stand behind "More". */
  isFrequent: boolean;
  /** The least role that it is for. */
  least: Role;
}

const place = (to: Place["to"], name: Place["name"], icon: LucideIcon, more: Partial<Place> = {}): Place => ({
  to,
  name,
  icon,
  isFrequent: false,
  least: "viewer",
  ...more,
});

const places: readonly Place[] = [
  place("/", "overview", Activity, { isFrequent: true }),
  place("/explore", "explore", Compass, { isFrequent: true }),
  place("/send", "send", SquareTerminal, { isFrequent: true }),
  place("/devices", "devices", Cpu, { least: "guest" }),
  place("/inbox", "inbox", Inbox),
  place("/mqtt", "mqtt", Radio),
  place("/places", "places", Building2, { least: "guest" }),
  place("/map", "map", MapPinned, { least: "guest" }),
  place("/device-code", "deviceCode", CircuitBoard, { isFrequent: true }),
  place("/templates", "templates", FileCode2),
  place("/networks", "networks", Wifi, { least: "editor" }),
  place("/tokens", "tokens", KeyRound),
  place("/people", "people", UsersRound, { least: "administrator" }),
  place("/groups", "groups", Share2, { least: "administrator" }),
  place("/audit", "audit", ScrollText, { least: "administrator" }),
  place("/reference", "api", Braces),
  place("/account", "account", UserRoundCog, { least: "guest" }),
];

/** The bottom bar of a phone has room for so many, beside the one that stands for all others. */
const ROOM = 4;

/** The pages that somebody of this role may use. */
export function placesFor(role: Role): readonly Place[] {
  const own = places.filter(({ least }) => isAtLeast(role, least));
  // Whoever has no more than fit needs none behind "More".
  return own.length > ROOM ? own : own.map((one) => ({ ...one, isFrequent: true }));
}

/** Whether an address is for somebody of this role. Pages that are for editors or administrators alone say so themselves. */
export function isFor(role: Role, path: string): boolean {
  return !isGuest(role) || placesFor(role).some(({ to }) => path === to || path.startsWith(`${to}/`));
}
