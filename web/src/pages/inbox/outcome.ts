/** What is said about an adoption: how many readings were stored and refused, why, and whether more follows. */
import type { AdoptedDevice } from "@/api/inbox";

/** A sentence by its key among the texts of the page, with what is filled in. */
export type Sentence =
  | { key: "adopted"; name: string }
  | { key: "stored" | "refused"; count: number }
  | { key: "nothingKept" | "follows" }
  | { key: "because"; reason: string };

/** The sentences in their order. */
export function outcome({ name, stored, refused, reason, complete }: AdoptedDevice): Sentence[] {
  const sentences: Sentence[] = [{ key: "adopted", name }];
  if (stored > 0) sentences.push({ key: "stored", count: stored });
  if (refused > 0) sentences.push({ key: "refused", count: refused });
  if (stored === 0 && refused === 0 && complete) sentences.push({ key: "nothingKept" });
  if (!complete) sentences.push({ key: "follows" });
  if (reason !== null) sentences.push({ key: "because", reason });
  return sentences;
}
