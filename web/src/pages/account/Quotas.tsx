/** What one's class lets one have; nothing where no class bounds. */
import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { ownQuotasQuery } from "@/api/queries";
import { spoken } from "@/charts/format";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./account.module.css";

/** A section of the page. */
export function Quotas() {
  const { t, i18n } = useTranslation("account");
  const own = useQuery(ownQuotasQuery);
  if (own.isError) return <FormFailure error={own.error} />;
  if (own.data === undefined || own.data.class === null) return null;
  const { class: name, quotas, devices_used: used, storage_bytes_used: stored } = own.data;
  const number = new Intl.NumberFormat(i18n.language);
  const facts = [
    {
      label: t("quotaDevices"),
      value:
        quotas.devices === null
          ? null
          : t("quotaDevicesUsed", { used: number.format(used), limit: number.format(quotas.devices) }),
    },
    {
      label: t("quotaPoints"),
      value: quotas.points_per_second === null ? null : number.format(quotas.points_per_second),
    },
    {
      label: t("quotaRetention"),
      value: quotas.retention_days === null ? null : t("quotaDays", { count: quotas.retention_days }),
    },
    {
      label: t("quotaStorage"),
      value:
        quotas.storage_bytes === null
          ? null
          : t("quotaStorageUsed", { used: spoken(stored, "bytes"), limit: spoken(quotas.storage_bytes, "bytes") }),
    },
  ];
  return (
    <section className={classes["section"]} aria-labelledby="quotas">
      <Title order={2} id="quotas">
        {t("quotas")}
      </Title>
      <Text c="dimmed">{t("quotasHint", { name })}</Text>
      <dl className={classes["facts"]}>
        {facts.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value ?? t("quotaNone")}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
