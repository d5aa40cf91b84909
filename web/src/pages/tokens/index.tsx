/** Access tokens of devices and programs: list, create, revoke. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { KeyRound, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { tokensQuery } from "@/api/queries";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { CreateToken } from "./CreateToken";
import { TokenTable } from "./TokenTable";

/** The page `/tokens`. */
export default function TokensPage() {
  const { t } = useTranslation("tokens");
  // Another page may ask for a token of a kind; the address forgets it when the dialog is closed.
  const wanted = useSearch({ from: "/signed-in/tokens", select: (search) => search.new });
  const navigate = useNavigate({ from: "/tokens" });
  const [creating, { open, close }] = useDisclosure(wanted !== undefined);
  const tokens = useQuery(tokensQuery);
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={open}>
      {t("new")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} description={t("description")}>
        {tokens.data !== undefined && tokens.data.length > 0 && create}
      </PageHeader>
      <FormFailure error={tokens.error} />
      {tokens.isPending && <Loading />}
      {tokens.data?.length === 0 && (
        <EmptyState icon={KeyRound} title={t("none")} description={t("noneWhy")}>
          {create}
        </EmptyState>
      )}
      {tokens.data !== undefined && tokens.data.length > 0 && (
        <TokenTable tokens={tokens.data} now={tokens.dataUpdatedAt} />
      )}
      <CreateToken
        purpose={wanted ?? "program"}
        opened={creating}
        onClose={() => {
          close();
          if (wanted !== undefined) void navigate({ search: {}, replace: true });
        }}
      />
    </>
  );
}
