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

/** A page whose name is its address, unless it says another. */
const place = (to: Place["to"], icon: LucideIcon, more: Partial<Place> = {}): Place => ({
  to,
  name: to.slice(1) as Place["name"],
  icon,
  isFrequent: false,
  least: "viewer",
  ...more,
});

const places: readonly Place[] = [
  place("/", Activity, { name: "overview", isFrequent: true }),
  place("/explore", Compass, { isFrequent: true }),
  place("/send", SquareTerminal, { isFrequent: true }),
  place("/devices", Cpu, { least: "guest" }),
  place("/inbox", Inbox),
  place("/mqtt", Radio),
  place("/places", Building2, { least: "guest" }),
  place("/map", MapPinned, { least: "guest" }),
  place("/device-code", CircuitBoard, { name: "deviceCode", isFrequent: true }),
  place("/templates", FileCode2),
  place("/networks", Wifi, { least: "editor" }),
  place("/tokens", KeyRound),
  place("/people", UsersRound, { least: "administrator" }),
  place("/groups", Share2, { least: "administrator" }),
  place("/audit", ScrollText, { least: "administrator" }),
  place("/reference", Braces, { name: "api" }),
  place("/account", UserRoundCog, { least: "guest" }),
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
