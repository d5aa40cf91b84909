/** Ready-to-paste commands with the real address and a fresh token; below them, what arrives and what was refused. */
import { Button, Select, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Database } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { databasesQuery } from "@/api/queries";
import { CodeBlock } from "@/shell/CodeBlock";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { Arrivals } from "./Arrivals";
import { Refusals } from "./Refusals";
import classes from "./send.module.css";
import { isWay, snippet, ways } from "./snippets";
import { useSecret } from "./useSecret";
import { WriteToken } from "./WriteToken";

const FIRST_DATABASE = "main";

/** The page `/send`. */
export default function SendPage() {
  const { t } = useTranslation("send");
  const databases = useQuery(databasesQuery);
  const chosen = useSearch({ from: "/signed-in/send", select: (search) => search.db });
  const names = databases.data?.map(({ name }) => name) ?? [];
  const database = names.find((name) => name === chosen) ?? names.find((name) => name === FIRST_DATABASE) ?? names[0];
  return (
    <>
      <PageHeader title={t("title")} description={t("description")} />
      <FormFailure error={databases.error} />
      {databases.isPending && <Loading />}
      {databases.data?.length === 0 && <FirstDatabase />}
      {database !== undefined && (
        <div className={classes["page"]}>
          <Ways database={database} databases={names} />
          <Arrivals key={database} database={database} />
          <Refusals />
        </div>
      )}
    </>
  );
}

function Ways({ database, databases }: { database: string; databases: readonly string[] }) {
  const { t } = useTranslation("send");
  const navigate = useNavigate({ from: "/send" });
  const how = useSearch({ from: "/signed-in/send", select: (search) => search.how });
  const [secret, setSecret] = useSecret(database);
  const way = isWay(how) ? how : ways[0];
  const text = snippet(way, {
    origin: globalThis.location.origin,
    database,
    token: secret ?? t("placeholder"),
  });
  return (
    <section className={classes["section"]} aria-label={t("ways")}>
      {databases.length > 1 && (
        <Select
          label={t("database")}
          data={databases}
          value={database}
          allowDeselect={false}
          maw={320}
          onChange={(db) => {
            if (db !== null) void navigate({ search: (search) => ({ ...search, db }), replace: true });
          }}
        />
      )}
      <WriteToken key={database} database={database} secret={secret} onCreated={setSecret} />
      <Tabs
        value={way}
        keepMounted={false}
        onChange={(next) => {
          if (next !== null) void navigate({ search: (search) => ({ ...search, how: next }), replace: true });
        }}
      >
        <Tabs.List>
          {ways.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`way.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {ways.map((name) => (
          <Tabs.Panel key={name} value={name} pt="md">
            <Text c="dimmed" mb="sm">
              {t(`explain.${name}`)}
            </Text>
            <CodeBlock
              text={text}
              label={t("code", { way: t(`way.${name}`) })}
              copyLabel={t("copyLabel", { way: t(`way.${name}`) })}
            />
          </Tabs.Panel>
        ))}
      </Tabs>
    </section>
  );
}

function FirstDatabase() {
  const { t } = useTranslation("send");
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () => api.POST("/api/v1/databases", { body: { name: FIRST_DATABASE } }),
    onSuccess: () => client.invalidateQueries({ queryKey: databasesQuery.queryKey }),
  });
  return (
    <EmptyState icon={Database} title={t("noDatabase")} description={t("noDatabaseWhy")}>
      <Button
        loading={create.isPending}
        onClick={() => {
          create.mutate();
        }}
      >
        {t("createDatabase", { name: FIRST_DATABASE })}
      </Button>
      <FormFailure error={create.error} />
    </EmptyState>
  );
}
