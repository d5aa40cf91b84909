/** The types of devices: list, add one that comes with Sensorium, suggest one, delete. Only editors change them. */
import { Anchor, Button, Group, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useRouteContext } from "@tanstack/react-router";
import { ChevronLeft, Plus, Send, Shapes } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { DEVICES_KEY, deviceTypesQuery, shippedTypesQuery, type TypeDefinition } from "@/api/queries";
import { isEditor } from "@/api/roles";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { toast } from "@/shell/toast";
import classes from "./deviceTypes.module.css";
import { TypeTable } from "./TypeTable";

/** The page `/devices/types`. */
export default function DeviceTypesPage() {
  return (
    <OnlyFrom least="viewer">
      <Types />
    </OnlyFrom>
  );
}

function Types() {
  const { t } = useTranslation("devices");
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const types = useQuery(deviceTypesQuery);
  const mayChange = isEditor(role);
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("all")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/devices" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
      </nav>
      <PageHeader title={t("typesTitle")} description={t("typesDescription")}>
        {mayChange && (
          <>
            <Button variant="default" renderRoot={(props) => <Link to="/templates" search={{ kind: "type" }} {...props} />}>
              {t("suggested")}
            </Button>
            <Button
              leftSection={<Send size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/devices/types/new" {...props} />}
            >
              {t("suggestType")}
            </Button>
          </>
        )}
      </PageHeader>
      <FormFailure error={types.error} />
      {types.isPending && <Loading />}
      {types.data?.length === 0 && (
        <EmptyState
          icon={Shapes}
          title={t("typesNone")}
          description={t(mayChange ? "typesNoneWhy" : "typesNoneViewer")}
        />
      )}
      {types.data !== undefined && types.data.length > 0 && <TypeTable types={types.data} mayChange={mayChange} />}
      {types.data !== undefined && mayChange && <Shipped known={types.data.map(({ name }) => name)} />}
    </div>
  );
}

function Shipped({ known }: { known: readonly string[] }) {
  const { t } = useTranslation("devices");
  const client = useQueryClient();
  const shipped = useQuery(shippedTypesQuery);
  const add = useMutation({
    mutationFn: async (type: TypeDefinition) => body(await api.POST("/api/v1/device-types", { body: type })),
    onSuccess: async ({ name }) => {
      await client.invalidateQueries({ queryKey: DEVICES_KEY });
      void toast(t("typeAdded", { name }));
    },
  });
  const taken = new Set(known.map((name) => name.toLowerCase()));
  const offered = (shipped.data ?? []).filter(({ name }) => !taken.has(name.toLowerCase()));
  if (shipped.isSuccess && offered.length === 0) return null;
  return (
    <section className={classes["shipped"]} aria-labelledby="shipped-types">
      <Title order={2} id="shipped-types">
        {t("shipped")}
      </Title>
      <Text c="dimmed">{t("shippedWhy")}</Text>
      <Group gap="sm">
        {offered.map((type) => (
          <Button
            key={type.name}
            variant="default"
            leftSection={<Plus size={14} aria-hidden />}
            loading={add.isPending && add.variables.name === type.name}
            onClick={() => {
              add.mutate(type);
            }}
          >
            {t("addType", { name: type.name })}
          </Button>
        ))}
      </Group>
      <FormFailure error={add.error ?? shipped.error} />
    </section>
  );
}
