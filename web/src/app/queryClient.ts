/** One cache of server answers for the page. */
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { sessionQuery } from "@/api/queries";

/** A refusal is an answer; only an unreachable or broken server is asked again. */
export function worthRetrying(failures: number, error: unknown): boolean {
  if (failures >= 2) return false;
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}

/** The page's cache. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error) {
      // The session ended while the page was open; the router then leads to the sign-in page.
      if (error instanceof ApiError && error.status === 401) queryClient.setQueryData(sessionQuery.queryKey, null);
    },
  }),
  defaultOptions: {
    queries: { staleTime: 5_000, retry: worthRetrying, refetchOnWindowFocus: false },
  },
});
