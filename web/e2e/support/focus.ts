/** Where the focus is: keys and text that come before a dialog or a menu has it land elsewhere. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** Waits until the focus is inside of something. */
export async function focusIn(place: Locator): Promise<void> {
  await expect.poll(() => place.evaluate((element) => element.contains(document.activeElement))).toBe(true);
}

/**
 * The dialog that is open, once it moves the focus no more. Mantine moves it two times: by a timer that is set when the dialog
 * is drawn, and by one that is set in an effect after that, in which the dialog gets its description, too. Timers fire in the
 * order in which they are set, so that one of our own comes after both.
 */
export async function opened(page: Page, name?: string): Promise<Locator> {
  const dialog = page.getByRole("dialog", name === undefined ? {} : { name });
  await dialog.and(page.locator("[aria-describedby]")).waitFor();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  await focusIn(dialog);
  return dialog;
}
