/** The topic filter, which stands in the address. */
import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { wrongFilter } from "./filter";
import classes from "./mqtt.module.css";
import { EVERYTHING, type MqttSearch, validateSearch } from "./search";

/** As long as the server takes a filter, as it is set at first. */
const MAX_CHARACTERS = 1_024;

/** The form; whoever shows it makes it anew when the filter changes. */
export function FilterForm({ search: { tab, filter } }: { search: MqttSearch }) {
  const { t } = useTranslation("mqtt");
  const navigate = useNavigate({ from: "/mqtt" });
  const [wrong, setWrong] = useState<ReturnType<typeof wrongFilter>>(null);
  const show = (next: string) => {
    void navigate({ search: validateSearch({ tab, filter: next }), resetScroll: false });
  };
  const apply = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = new FormData(event.currentTarget).get("filter");
    const text = typeof value === "string" ? value.trim() : "";
    const found = wrongFilter(text);
    setWrong(found);
    if (found === null) show(text);
  };
  return (
    <form role="search" aria-label={t("filterForm")} className={classes["filters"]} onSubmit={apply}>
      <TextInput
        name="filter"
        label={t("filter")}
        description={t("filterHint")}
        error={wrong === null ? undefined : t(wrong)}
        placeholder={EVERYTHING}
        maxLength={MAX_CHARACTERS}
        defaultValue={filter ?? ""}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        leftSection={<Search size={14} aria-hidden />}
      />
      <div className={classes["buttons"]}>
        <Button type="submit">{t("apply")}</Button>
        {filter !== undefined && (
          <Button
            variant="subtle"
            color="gray"
            onClick={() => {
              show("");
            }}
          >
            {t("clear")}
          </Button>
        )}
      </div>
    </form>
  );
}
