/** Gives a place a plan, with the way of the file in sight. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { type Place, PLACES_KEY } from "@/api/queries";
import { upload } from "@/api/upload";

/** What a file dialog offers. */
export const PICTURES = "image/png,image/jpeg,image/svg+xml,.png,.jpg,.jpeg,.svg";

const KINDS = new Set(["image/png", "image/jpeg", "image/svg+xml"]);
/** A server that takes no more than this may hang up before it has said so. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** An upload under way. */
export interface PlanUpload {
  send: (file: File) => void;
  stop: () => void;
  isPending: boolean;
  /** From 0 to 1; at 1, the server looks at the file. */
  part: number;
  error: Error | null;
}

/** For the plan of a place. */
export function usePlanUpload({ id, version }: Place): PlanUpload {
  const { t } = useTranslation("places");
  const client = useQueryClient();
  const [part, setPart] = useState(0);
  const control = useRef<AbortController | null>(null);
  const put = useMutation({
    mutationFn: async (file: File) => {
      // What a file really is, the server finds out; a name of another kind spares the way.
      if (file.type !== "" && !KINDS.has(file.type)) throw new Error(t("wrongKind", { name: file.name }));
      if (file.size === 0) throw new Error(t("emptyFile", { name: file.name }));
      setPart(0);
      control.current = new AbortController();
      const { signal } = control.current;
      try {
        await upload(`/api/v1/places/${id}/plan?version=${version}`, file, { onProgress: setPart, signal });
      } catch (error) {
        const brokeOff = error instanceof ApiError && error.status === 0 && file.size > LARGE_BYTES;
        throw brokeOff ? new Error(t("brokeOff", { name: file.name })) : error;
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: PLACES_KEY }),
  });
  const { error } = put;
  return {
    send: (file) => {
      put.mutate(file);
    },
    stop: () => {
      control.current?.abort();
    },
    isPending: put.isPending,
    part,
    error: error instanceof DOMException && error.name === "AbortError" ? null : error,
  };
}
