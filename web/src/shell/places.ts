/** The pages that the side bar, the bottom bar and the command palette lead to, in their order. */
import { Activity, Braces, Compass, KeyRound, type LucideIcon, SquareTerminal } from "lucide-react";

/** One page in the navigation. */
export interface Place {
  to: "/" | "/explore" | "/send" | "/tokens" | "/reference";
  /** Key of the page's name under `nav`. */
  name: "overview" | "explore" | "send" | "tokens" | "api";
  icon: LucideIcon;
}

/** All pages in the navigation. */
export const places: readonly Place[] = [
  { to: "/", name: "overview", icon: Activity },
  { to: "/explore", name: "explore", icon: Compass },
  { to: "/send", name: "send", icon: SquareTerminal },
  { to: "/tokens", name: "tokens", icon: KeyRound },
  { to: "/reference", name: "api", icon: Braces },
];
