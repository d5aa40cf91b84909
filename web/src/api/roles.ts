/** Roles in their order: each may do what the ones before may. */
import type { components } from "./schema";

/** What a person is in the organisation. */
export type Role = components["schemas"]["Role"];

const ROLES: readonly Role[] = ["viewer", "editor", "administrator", "owner"];

/** The roles that somebody of this one may give, the least first. */
export function rolesUpTo(own: Role): Role[] {
  return ROLES.slice(0, ROLES.indexOf(own) + 1);
}

/** Whether a role may do what this least one may: editors keep networks, administrators manage people. */
export function isAtLeast(role: Role, least: Role): boolean {
  return rolesUpTo(role).includes(least);
}

/** Whether a role changes devices and makes tokens. */
export function isEditor(role: Role): boolean {
  return rolesUpTo(role).includes("editor");
}
