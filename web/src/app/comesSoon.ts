/** Asks for a list before its page is drawn, so that an answer which comes at once is drawn at once, and nothing before it. */
import type { QueryClient } from "@tanstack/react-query";
import type { devicesQuery } from "@/api/queries";

/** What people take for at once; a page that waits for longer says so. */
const AT_ONCE_MS = 100;

/** Resolves when the answer is here, when something is here to show meanwhile, or when it takes too long. Refusals are the page's to tell. */
export async function comesSoon(client: QueryClient, query: ReturnType<typeof devicesQuery>): Promise<void> {
  const isKnown = client.getQueryData(query.queryKey) !== undefined;
  const answer = client.infiniteQuery(query).catch(() => undefined);
  if (isKnown) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, AT_ONCE_MS);
  });
  await Promise.race([answer, late]);
  clearTimeout(timer);
}
