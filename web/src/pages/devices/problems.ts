/** What the server says is wrong in a file. */
import { ApiError } from "@/api/client";

/** Something that is wrong, and where. */
export interface Problem {
  /** From 1. */
  line: number;
  problem: string;
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== "object" || value === null) return false;
  return "line" in value && typeof value.line === "number" && "problem" in value && typeof value.problem === "string";
}

/** What is told line by line; nothing for a refusal of another kind. */
export function problemsOf(error: unknown): Problem[] {
  const told = error instanceof ApiError ? error.details["problems"] : null;
  return Array.isArray(told) ? told.filter(isProblem) : [];
}
