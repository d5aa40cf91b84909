/** Shown when a page takes longer than a blink. */
import { Center, Loader } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** A spinner with a name. */
export function Loading() {
  const { t } = useTranslation();
  return (
    <Center mih={240}>
      <Loader size="sm" aria-label={t("loading")} role="status" />
    </Center>
  );
}
