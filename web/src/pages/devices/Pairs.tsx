/** Names and values as rows: attributes or tags. */
import { ActionIcon, Button, Text, TextInput } from "@mantine/core";
import { Plus, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./devices.module.css";
import type { Pair } from "./wanted";

/** Properties of {@link Pairs}. */
export interface PairsProps {
  /** What they are, as a heading. */
  what: string;
  pairs: readonly Pair[];
  onChange: (pairs: Pair[]) => void;
  /** What is wrong with them. */
  error: string | null;
}

/** How many of them the server takes. */
const MOST = 32;

/** The rows, and a button for one more. */
export function Pairs({ what, pairs, onChange, error }: PairsProps) {
  const { t } = useTranslation("devices");
  const change = (index: number, part: Partial<Pair>) => {
    onChange(pairs.map((pair, at) => (at === index ? { ...pair, ...part } : pair)));
  };
  return (
    <fieldset className={classes["pairs"]}>
      <legend>{what}</legend>
      {pairs.map((pair, index) => (
        <div key={index} className={classes["pair"]}>
          <TextInput
            aria-label={t("pair_name", { row: index + 1, what })}
            placeholder={t("name")}
            maxLength={64}
            autoComplete="off"
            autoCapitalize="none"
            value={pair.name}
            onChange={(event) => {
              change(index, { name: event.currentTarget.value });
            }}
          />
          <TextInput
            aria-label={t("pair_value", { row: index + 1, what })}
            placeholder={t("value")}
            maxLength={256}
            autoComplete="off"
            value={pair.value}
            onChange={(event) => {
              change(index, { value: event.currentTarget.value });
            }}
          />
          <ActionIcon
            aria-label={t("pair_remove", { row: index + 1, what })}
            onClick={() => {
              onChange(pairs.filter((_, at) => at !== index));
            }}
          >
            <X size={14} aria-hidden />
          </ActionIcon>
        </div>
      ))}
      <div role="alert">
        {error !== null && (
          <Text size="xs" c="var(--mantine-color-error)">
            {error}
          </Text>
        )}
      </div>
      {pairs.length < MOST && (
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          aria-label={t("pair_addTo", { what })}
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => {
            onChange([...pairs, { name: "", value: "" }]);
          }}
        >
          {t("pair_add")}
        </Button>
      )}
    </fieldset>
  );
}
