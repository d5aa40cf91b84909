import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page send. */
export default function SendPage() {
  const { t } = useTranslation("send");
  return <PageHeader title={t("title")} />;
}
