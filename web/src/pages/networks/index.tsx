/** Wi-Fi networks that devices are made for: list, add, change, delete. From editors on. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Plus, Wifi } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { networksQuery } from "@/api/queries";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { NetworkForm } from "./NetworkForm";
import { NetworkTable } from "./NetworkTable";

/** The page `/networks`. */
export default function NetworksPage() {
  return (
    <OnlyFrom least="editor">
      <Networks />
    </OnlyFrom>
  );
}

function Networks() {
  const { t } = useTranslation("networks");
  const networks = useQuery(networksQuery);
  const [adding, { open, close }] = useDisclosure(false);
  // Each dialog begins anew: there was a password in the one before.
  const [number, setNumber] = useState(0);
  const known = networks.data ?? [];
  const add = (
    <Button
      leftSection={<Plus size={16} aria-hidden />}
      onClick={() => {
        setNumber(number + 1);
        open();
      }}
    >
      {t("add")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} description={t("description")}>
        {known.length > 0 && add}
      </PageHeader>
      <FormFailure error={networks.error} />
      {networks.isPending && <Loading />}
      {networks.data?.length === 0 && (
        <EmptyState icon={Wifi} title={t("none")} description={t("noneWhy")}>
          {add}
        </EmptyState>
      )}
      {known.length > 0 && <NetworkTable networks={known} now={networks.dataUpdatedAt} />}
      <NetworkForm key={number} opened={adding} onClose={close} />
    </>
  );
}
