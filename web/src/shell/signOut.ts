/** The way out. */
import { api, sentenceOf } from "@/api/client";
import { toast } from "./toast";

/** Ends the session and starts anew at the sign-in page. */
export async function signOut(): Promise<void> {
  try {
    await api.DELETE("/api/v1/session");
    // A fresh start drops everything that this tab holds of the account.
    globalThis.location.assign("/login");
  } catch (error) {
    void toast(sentenceOf(error), "red");
  }
}
