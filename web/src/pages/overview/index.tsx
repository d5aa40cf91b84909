import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page overview. */
export default function OverviewPage() {
  const { t } = useTranslation("overview");
  return <PageHeader title={t("title")} />;
}
