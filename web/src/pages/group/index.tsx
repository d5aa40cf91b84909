/** One group: who is in it, and the devices and places that it shares with the guests among them. For administrators. */
import { Anchor, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, Pencil, Share2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Group, groupsQuery } from "@/api/groups";
import { DeleteGroup } from "@/pages/groups/DeleteGroup";
import { PARTS } from "@/pages/groups/form";
import { EditGroup } from "@/pages/groups/GroupForm";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import classes from "./group.module.css";
import { PartOfGroup } from "./PartOfGroup";

/** The page `/groups/$id`. */
export default function GroupPage() {
  return (
    <OnlyFrom least="administrator">
      <OneGroup />
    </OnlyFrom>
  );
}

function OneGroup() {
  const { t } = useTranslation("groups");
  const { id } = useParams({ from: "/signed-in/groups/$id" });
  const groups = useQuery(groupsQuery);
  const group = groups.data?.find((one) => one.id === id);
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("all")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/groups" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
      </nav>
      <FormFailure error={groups.error} />
      {groups.isPending && <Loading />}
      {groups.data !== undefined && group === undefined && (
        <EmptyState order={1} icon={Share2} title={t("gone")} description={t("goneWhy")}>
          <Link to="/groups">{t("all")}</Link>
        </EmptyState>
      )}
      {group !== undefined && <Found key={id} group={group} />}
    </div>
  );
}

function Found({ group }: { group: Group }) {
  const { t } = useTranslation("groups");
  const navigate = useNavigate();
  const [editing, edit] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  // Each dialog begins anew.
  const [number, setNumber] = useState(0);
  const { name, description } = group;
  return (
    <>
      <PageHeader title={name} {...(description === "" ? {} : { description })}>
        <Button
          variant="default"
          onClick={() => {
            setNumber(number + 1);
            remove.open();
          }}
        >
          {t("delete")}
        </Button>
        <Button
          leftSection={<Pencil size={16} aria-hidden />}
          onClick={() => {
            setNumber(number + 1);
            edit.open();
          }}
        >
          {t("edit")}
        </Button>
      </PageHeader>
      <div className={classes["parts"]}>
        {PARTS.map((part) => (
          <PartOfGroup key={part} group={group} part={part} />
        ))}
      </div>
      <EditGroup key={`edit ${number}`} group={group} opened={editing} onClose={edit.close} />
      <DeleteGroup
        key={`delete ${number}`}
        group={group}
        opened={deleting}
        onClose={remove.close}
        onDeleted={() => void navigate({ to: "/groups" })}
      />
    </>
  );
}
