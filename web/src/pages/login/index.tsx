import { useTranslation } from "react-i18next";
import { PageHeader } from "@/shell/PageHeader";

/** The page login. */
export default function LoginPage() {
  const { t } = useTranslation("login");
  return <PageHeader title={t("title")} />;
}
