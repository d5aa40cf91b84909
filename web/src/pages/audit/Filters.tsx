/** Which changes to show. The filters take effect together, and stand in the address. */
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import type { SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import classes from "./audit.module.css";
import { type AuditFilters, fromLocal, toLocal, validateSearch } from "./search";
import { ACTIONS, isAction, isTarget, TARGETS } from "./words";

/** Properties of {@link Filters}. */
export interface FiltersProps {
  filters: AuditFilters;
}

function entered(form: HTMLFormElement): AuditFilters {
  const data = new FormData(form);
  const text = (name: string) => {
    const value = data.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  return validateSearch({
    actor: text("actor"),
    action: text("action"),
    target: text("target"),
    q: text("q"),
    from: fromLocal(text("from")),
    to: fromLocal(text("to")),
  });
}

/** The form; it starts anew when the address changes. */
export function Filters({ filters }: FiltersProps) {
  const { t } = useTranslation("audit");
  const navigate = useNavigate({ from: "/audit" });
  const apply = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void navigate({ search: entered(event.currentTarget) });
  };
  const { action = "", target = "" } = filters;
  // A word that came with the address stays a choice.
  const actions = [...ACTIONS, ...(action === "" || isAction(action) ? [] : [action])];
  const targets = [...TARGETS, ...(target === "" || isTarget(target) ? [] : [target])];
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
      <TextInput
        name="actor"
        label={t("who")}
        placeholder={t("whoHint")}
        defaultValue={filters.actor ?? ""}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <NativeSelect
        name="action"
        label={t("what")}
        defaultValue={action}
        data={[
          { value: "", label: t("any") },
          ...actions.map((word) => ({ value: word, label: isAction(word) ? t(`action.${word}`) : word })),
        ]}
      />
      <NativeSelect
        name="target"
        label={t("thing")}
        defaultValue={target}
        data={[
          { value: "", label: t("any") },
          ...targets.map((word) => ({ value: word, label: isTarget(word) ? t(`target.${word}`) : word })),
        ]}
      />
      <TextInput className={classes["time"] ?? ""} name="from" type="datetime-local" step={1} label={t("from")} defaultValue={toLocal(filters.from)} />
      <TextInput className={classes["time"] ?? ""} name="to" type="datetime-local" step={1} label={t("to")} defaultValue={toLocal(filters.to)} />
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
