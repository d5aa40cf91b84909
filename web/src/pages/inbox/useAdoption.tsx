/** Adopting a device, and saying what became of what was kept of it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, RouterContextProvider, useNavigate, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { type AdoptedDevice, type AdoptionRequest, INBOX_KEY, type Newcomer } from "@/api/inbox";
import { DEVICES_KEY } from "@/api/queries";
import { LONG_MS, toast } from "@/shell/toast";
import { outcome } from "./outcome";
import { without } from "./search";

/** What is adopted, and as what. */
export interface Adoption {
  newcomer: Newcomer;
  request: AdoptionRequest;
}

/** The request; when it is done, a message tells how many readings were stored and leads to the device. */
export function useAdoption({ onDone, onError }: { onDone?: () => void; onError?: (error: Error, of: Adoption) => void }) {
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate({ from: "/inbox" });
  const refresh = () =>
    Promise.all([INBOX_KEY, DEVICES_KEY].map((queryKey) => client.invalidateQueries({ queryKey: [...queryKey] })));
  return useMutation({
    mutationFn: async ({ newcomer: { id }, request }: Adoption) =>
      body(await api.POST("/api/v1/inbox/{id}/adopt", { params: { path: { id } }, body: request })),
    onSuccess: async (adopted, { newcomer: { id } }) => {
      onDone?.();
      // The message stands outside of the router.
      const words = (
        <RouterContextProvider router={router}>
          <Outcome adopted={adopted} />
        </RouterContextProvider>
      );
      void toast(words, adopted.refused > 0 || !adopted.complete ? "red" : "accent", LONG_MS);
      await navigate({ search: without(id), replace: true });
      await refresh();
    },
    onError: (error, of) => {
      onError?.(error, of);
      // It may be gone, or somebody else's device by now.
      void refresh();
    },
  });
}

function Outcome({ adopted }: { adopted: AdoptedDevice }) {
  const { t } = useTranslation("inbox");
  const words = outcome(adopted).map(({ key, ...filled }) => t(key, filled));
  return (
    <>
      {words.join(" ")}{" "}
      <Link to="/devices/$id" params={{ id: adopted.device }}>
        {t("toDevice", { name: adopted.name })}
      </Link>
    </>
  );
}
