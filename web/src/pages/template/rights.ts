/** What somebody may do with a submission. */
import type { Submission } from "@/api/submissions";

/** Whether it is theirs to take back: an author does until it is accepted, an administrator also an accepted template. */
export function mayWithdraw({ kind, status, own }: Pick<Submission, "kind" | "status" | "own">, isAdministrator: boolean): boolean {
  if (status === "withdrawn") return false;
  return status === "accepted" ? isAdministrator && kind === "template" : isAdministrator || own;
}
