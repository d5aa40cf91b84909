/** Roles in their order: each may do what the ones before may. */
import type { components } from "./schema";

/** What a person is in the organisation. */
export type Role = components["schemas"]["Role"];

const ROLES: readonly Role[] = ["guest", "viewer", "editor", "administrator", "owner"];

/** The roles that somebody of this one may give, the least first. */
export function rolesUpTo(own: Role): Role[] {
  return ROLES.slice(0, ROLES.indexOf(own) + 1);
}

/** Whether a role may do what this least one may: editors keep networks, administrators manage people. */
export function isAtLeast(role: Role, least: Role): boolean {
  return rolesUpTo(role).includes(least);
}

/** Whether a role sees only what groups share with it: no readings but last values, and nothing of the organisation. */
export function isGuest(role: Role): boolean {
  return role === "guest";
}

/** Whether a role changes devices and makes tokens. */
export function isEditor(role: Role): boolean {
  return rolesUpTo(role).includes("editor");
}
