/** What a form of a network holds, what it changes, and what to make of a change that came too late. */
import type { Network } from "@/api/queries";
import type { components } from "@/api/schema";

/** What is filled in. The stored password is never shown, so an empty one stands for the one that is stored. */
export interface Filled {
  name: string;
  ssid: string;
  password: string;
  isOpen: boolean;
}

/** What the form of a network begins with; that of a new one without a network. */
export function filledFor(network?: Network): Filled {
  return {
    name: network?.name ?? "",
    ssid: network?.ssid ?? "",
    password: "",
    isOpen: network?.has_password === false,
  };
}

/** Whether a password must be filled in: none is stored, and the network is not open. */
export function needsPassword({ isOpen, password }: Filled, network?: Network): boolean {
  return !isOpen && password === "" && network?.has_password !== true;
}

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(
  network: Network,
  { name, ssid, password, isOpen }: Filled,
): Omit<components["schemas"]["WifiNetworkChange"], "version"> {
  return {
    ...(name.trim() === network.name ? {} : { name: name.trim() }),
    ...(ssid === network.ssid ? {} : { ssid }),
    ...(isOpen && network.has_password ? { password: null } : {}),
    ...(!isOpen && password !== "" ? { password } : {}),
  };
}

/** What was filled in, on top of how the network is by now: a field that nobody touched here follows. */
export function merged(seen: Network, filled: Filled, now: Network): Filled {
  const isUntouched = filled.isOpen !== seen.has_password && filled.password === "";
  return {
    name: filled.name === seen.name ? now.name : filled.name,
    ssid: filled.ssid === seen.ssid ? now.ssid : filled.ssid,
    password: filled.password,
    isOpen: isUntouched ? !now.has_password : filled.isOpen,
  };
}

/** What is different from what was seen; whether another password was stored cannot be told. */
export function differences(seen: Network, now: Network): ("name" | "ssid" | "has_password")[] {
  return (["name", "ssid", "has_password"] as const).filter((fact) => seen[fact] !== now[fact]);
}
