import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page tokens. */
export default function TokensPage() {
  const { t } = useTranslation("tokens");
  return <PageHeader title={t("title")} />;
}
