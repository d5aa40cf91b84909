import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page api. */
export default function ApiPage() {
  const { t } = useTranslation("api");
  return <PageHeader title={t("title")} />;
}
