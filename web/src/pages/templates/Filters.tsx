/** Which submissions and templates to show. The filters take effect together, and stand in the address. */
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import type { SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { KINDS, STATUSES, type TemplatesFilters, validateSearch } from "./search";
import classes from "./templates.module.css";

/** Properties of {@link Filters}. */
export interface FiltersProps {
  filters: TemplatesFilters;
  /** Whether submissions are shown, too. */
  hasSubmissions: boolean;
}

/** The form; it starts anew when the address changes. */
export function Filters({ filters, hasSubmissions }: FiltersProps) {
  const { t } = useTranslation("templates");
  const navigate = useNavigate({ from: "/templates" });
  const apply = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const q = data.get("q");
    const text = typeof q === "string" ? q.trim() : "";
    const search = { q: text, kind: data.get("kind"), status: data.get("status"), own: data.has("own") };
    void navigate({ search: validateSearch(search) });
  };
  return (
    <form role="search" aria-label={t("filters")} className={classes["filters"]} onSubmit={apply} key={JSON.stringify(filters)}>
      <TextInput
        name="q"
        label={t("text")}
        placeholder={t("textHint")}
        maxLength={100}
        defaultValue={filters.q ?? ""}
        autoComplete="off"
        leftSection={<Search size={14} aria-hidden />}
      />
      {hasSubmissions && (
        <>
          <NativeSelect
            name="kind"
            label={t("kind")}
            defaultValue={filters.kind ?? ""}
            data={[{ value: "", label: t("any") }, ...KINDS.map((value) => ({ value, label: t(`kind_${value}`) }))]}
          />
          <NativeSelect
            name="status"
            label={t("status")}
            defaultValue={filters.status ?? ""}
            data={[{ value: "", label: t("any") }, ...STATUSES.map((value) => ({ value, label: t(`status_${value}`) }))]}
          />
          <Checkbox className={classes["check"] ?? ""} name="own" label={t("own")} defaultChecked={filters.own === true} />
        </>
      )}
      <div className={classes["buttons"]}>
        <Button type="submit">{t("apply")}</Button>
        {Object.keys(filters).length > 0 && (
          <Button
            variant="subtle"
            color="gray"
            onClick={() => {
              void navigate({ search: {} });
            }}
          >
            {t("clear")}
          </Button>
        )}
      </div>
    </form>
  );
}
