/** The classes of people: a table on a desktop, one card per class on a phone; and the dialogs that it opens. */
import { Button, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { classesQuery, type PersonClass } from "@/api/queries";
import { spoken } from "@/charts/format";
import table from "@/shell/CardTable.module.css";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { ClassForm } from "./ClassForm";
import classes from "./classes.module.css";
import { DeleteClass } from "./DeleteClass";

type Dialog = { kind: "add"; number: number } | { kind: "change" | "delete"; of: PersonClass; number: number };

/** A section of the page of people. */
export function Classes() {
  const { t } = useTranslation("people");
  const found = useQuery(classesQuery);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [opened, setOpened] = useState(false);
  const number = (dialog?.number ?? 0) + 1;
  const open = (next: Dialog) => {
    setDialog(next);
    setOpened(true);
  };
  const close = () => {
    setOpened(false);
  };
  return (
    <section className={classes["section"]} aria-labelledby="classes">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} id="classes">
            {t("classes.title")}
          </Title>
          <Text c="dimmed">{t("classes.description")}</Text>
        </div>
        <Button
          variant="default"
          leftSection={<Plus size={16} aria-hidden />}
          onClick={() => {
            open({ kind: "add", number });
          }}
        >
          {t("classes.add")}
        </Button>
      </Group>
      <FormFailure error={found.error} />
      {found.isPending && <Loading />}
      {found.data?.length === 0 && <Text c="dimmed">{t("classes.none")}</Text>}
      {found.data !== undefined && found.data.length > 0 && (
        <table className={`sn-panel ${table["table"] ?? ""}`}>
          <caption className="sn-hidden">{t("classes.list")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("classes.name")}</th>
              <th scope="col">{t("classes.devices")}</th>
              <th scope="col">{t("classes.points")}</th>
              <th scope="col">{t("classes.retention")}</th>
              <th scope="col">{t("classes.storageShort")}</th>
              <th scope="col">{t("classes.people")}</th>
              <th scope="col">
                <span className="sn-hidden">{t("classes.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.data.map((of) => (
              <Row
                key={of.id}
                of={of}
                onOpen={(kind) => {
                  open({ kind, of, number });
                }}
              />
            ))}
          </tbody>
        </table>
      )}
      {dialog?.kind === "add" && <ClassForm key={dialog.number} opened={opened} onClose={close} />}
      {dialog?.kind === "change" && <ClassForm key={dialog.number} of={dialog.of} opened={opened} onClose={close} />}
      {dialog?.kind === "delete" && <DeleteClass key={dialog.number} of={dialog.of} opened={opened} onClose={close} />}
    </section>
  );
}

interface RowProps {
  of: PersonClass;
  onOpen: (kind: "change" | "delete") => void;
}

function Row({ of, onOpen }: RowProps) {
  const { t, i18n } = useTranslation("people");
  const { name, quotas, people } = of;
  const number = new Intl.NumberFormat(i18n.language);
  const bound = (value: number | null, text = (found: number) => number.format(found)) =>
    value === null ? <span className="sn-dim">{t("classes.unbound")}</span> : text(value);
  return (
    <tr>
      <th scope="row" className={classes["name"]}>
        {name}
      </th>
      <td data-label={t("classes.devices")}>{bound(quotas.devices)}</td>
      <td data-label={t("classes.points")}>{bound(quotas.points_per_second)}</td>
      <td data-label={t("classes.retention")}>{bound(quotas.retention_days)}</td>
      <td data-label={t("classes.storageShort")}>
        {bound(quotas.storage_bytes, (bytes) => spoken(bytes, "bytes"))}
      </td>
      <td data-label={t("classes.people")}>{number.format(people)}</td>
      <td className={table["act"]}>
        {(["change", "delete"] as const).map((kind) => (
          <Button
            key={kind}
            variant="subtle"
            color="gray"
            size="compact-sm"
            aria-label={t(`classes.${kind}Named`, { name })}
            onClick={() => {
              onOpen(kind);
            }}
          >
            {t(`classes.${kind}`)}
          </Button>
        ))}
      </td>
    </tr>
  );
}
