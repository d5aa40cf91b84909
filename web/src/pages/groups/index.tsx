/** The groups, which share devices and places with guests: list, add. For administrators. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus, Share2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { groupsQuery } from "@/api/groups";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { AddGroup } from "./GroupForm";
import { GroupTable } from "./GroupTable";

/** The page `/groups`. */
export default function GroupsPage() {
  return (
    <OnlyFrom least="administrator">
      <Groups />
    </OnlyFrom>
  );
}

function Groups() {
  const { t } = useTranslation("groups");
  const navigate = useNavigate();
  const groups = useQuery(groupsQuery);
  const known = groups.data;
  const [adding, { open, close }] = useDisclosure(false);
  // Each dialog begins anew.
  const [number, setNumber] = useState(0);
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
        {known !== undefined && known.length > 0 && add}
      </PageHeader>
      <FormFailure error={groups.error} />
      {groups.isPending && <Loading />}
      {known?.length === 0 && (
        <EmptyState icon={Share2} title={t("none")} description={t("noneWhy")}>
          {add}
        </EmptyState>
      )}
      {known !== undefined && known.length > 0 && <GroupTable groups={known} />}
      <AddGroup
        key={number}
        opened={adding}
        onClose={close}
        onAdded={({ id }) => void navigate({ to: "/groups/$id", params: { id } })}
      />
    </>
  );
}
