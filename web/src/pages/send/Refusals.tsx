/** What the server refused lately, with the reason, so that a sender can be mended from here. */
import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { rejectionsQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./send.module.css";

const SHOWN = 20;
const ASK_EVERY_MS = 3_000;

/** The newest refusals; asks again while the page is visible. */
export function Refusals() {
  const { t, i18n } = useTranslation("send");
  const { data, error } = useQuery({ ...rejectionsQuery(SHOWN), refetchInterval: ASK_EVERY_MS });
  const clock = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium", hour12: false });
  return (
    <section className={classes["section"]} aria-labelledby="refusals">
      <Title order={2} id="refusals">
        {t("refusals")}
      </Title>
      <FormFailure error={error} />
      {data?.total === 0 && <Text c="dimmed">{t("refusalsNone")}</Text>}
      {data !== undefined && data.total > 0 && (
        <>
          <Text c="dimmed">{t("refusalsCount", { count: data.total })}</Text>
          <div className={`sn-panel ${classes["arrivals"] ?? ""}`}>
            <table className={classes["table"]}>
              <caption className="sn-hidden">{t("refusals")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("time")}</th>
                  <th scope="col">{t("database")}</th>
                  <th scope="col">{t("line")}</th>
                  <th scope="col">{t("why")}</th>
                  <th scope="col">{t("sample")}</th>
                </tr>
              </thead>
              <tbody>
                {data.rejections.map((refusal, index) => (
                  // Refusals have no identity of their own, and the list is replaced as a whole.
                  <tr key={index}>
                    <td className="sn-mono">{clock.format(refusal.time_ms)}</td>
                    <td>{refusal.database}</td>
                    <td className="sn-mono">{refusal.line}</td>
                    <td>{refusal.error}</td>
                    <td className="sn-mono">{refusal.sample}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
