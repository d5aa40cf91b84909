/** Chooses a network that is kept in the place of typing its SSID and password. */
import { NativeSelect } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Network } from "@/api/queries";

/** Properties of {@link ChooseNetwork}. */
export interface ChooseNetworkProps {
  networks: readonly Network[];
  /** The id of the chosen one; empty for none. */
  value: string;
  onChange: (id: string) => void;
}

/** A list of the networks, and typing. */
export function ChooseNetwork({ networks, value, onChange }: ChooseNetworkProps) {
  const { t } = useTranslation("device-code");
  return (
    <NativeSelect
      label={t("network")}
      description={t(value === "" ? "networkHint" : "networkChosen")}
      value={value}
      data={[
        { value: "", label: t("networkTyped") },
        ...networks.map(({ id, name, ssid }) => ({ value: id, label: name === ssid ? name : `${name} (${ssid})` })),
      ]}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
    />
  );
}
