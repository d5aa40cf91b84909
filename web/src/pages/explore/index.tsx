import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page explore. */
export default function ExplorePage() {
  const { t } = useTranslation("explore");
  return <PageHeader title={t("title")} />;
}
