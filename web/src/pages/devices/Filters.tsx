/** Which devices to show, and in which order. The filters take effect together, and stand in the address. */
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { type SubmitEvent, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceType } from "@/api/queries";
import classes from "./devices.module.css";
import { type DevicesFilters, isFiltered, SORTS, validateSearch } from "./search";

/** Properties of {@link Filters}. */
export interface FiltersProps {
  filters: DevicesFilters;
  /** Null for those who may not see them. */
  types: readonly DeviceType[] | null;
}

function entered(form: HTMLFormElement): DevicesFilters {
  const data = new FormData(form);
  const text = (name: string) => {
    const value = data.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const [sort, order] = text("order").split(" ");
  return validateSearch({ q: text("q"), type: text("type"), enabled: text("enabled"), sort, order });
}

/** The form; its fields follow the address. They stay when it changes: new ones take longer, and would lose the focus. */
export function Filters({ filters, types }: FiltersProps) {
  const { t } = useTranslation("devices");
  const navigate = useNavigate({ from: "/devices" });
  const apply = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void navigate({ search: entered(event.currentTarget) });
  };
  const { q = "", type = "", enabled = "", sort = "name", order = "asc" } = filters;
  // A type that came with the address stays a choice.
  const known = (types ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const choices = type === "" || known.some(({ value }) => value === type) ? known : [...known, { value: type, label: type }];
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    for (const [name, value] of Object.entries({ q, type, enabled: String(enabled), order: `${sort} ${order}` })) {
      const field = form.current?.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
    }
  }, [q, type, enabled, sort, order]);
  // Until its types are there, it has no choice of the address's; what is typed meanwhile stays.
  useLayoutEffect(() => {
    const field = form.current?.elements.namedItem("type");
    if (field instanceof HTMLSelectElement && field.value !== type) field.value = type;
  }, [type, known.length]);
  const orders = SORTS.flatMap((by) => (["asc", "desc"] as const).map((way) => ({ by, way })));
  return (
    <form role="search" aria-label={t("filters")} className={classes["filters"]} onSubmit={apply} ref={form}>
      <TextInput
        name="q"
        label={t("text")}
        placeholder={t("textHint")}
        maxLength={100}
        defaultValue={q}
        autoComplete="off"
        leftSection={<Search size={14} aria-hidden />}
      />
      {types !== null && (
        <NativeSelect name="type" label={t("type")} defaultValue={type} data={[{ value: "", label: t("any") }, ...choices]} />
      )}
      <NativeSelect
        name="enabled"
        label={t("state")}
        defaultValue={String(enabled)}
        data={[
          { value: "", label: t("any") },
          { value: "true", label: t("enabled") },
          { value: "false", label: t("disabled") },
        ]}
      />
      <NativeSelect
        name="order"
        label={t("sort")}
        defaultValue={`${sort} ${order}`}
        data={orders.map(({ by, way }) => ({ value: `${by} ${way}`, label: t(`sort_${by}_${way}`) }))}
      />
      <div className={classes["buttons"]}>
        <Button type="submit">{t("apply")}</Button>
        {isFiltered(filters) && (
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
