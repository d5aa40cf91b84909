/** One's own link with a provider: whether there is one, the way there, and the dialog that takes it away. */
import { Button, Modal, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2, Link2Off } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { ownIdentityQuery } from "@/api/queries";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import classes from "./account.module.css";

/** A section of the page; nothing where no provider is set. */
export function Provider({ login }: { login: string }) {
  const { t, i18n } = useTranslation(["account", "common"]);
  const own = useQuery(ownIdentityQuery);
  const [unlinking, unlink] = useDisclosure(false);
  const link = useMutation({
    mutationFn: async () => body(await api.POST("/api/v1/account/identity")),
    onSuccess: ({ location }) => {
      window.location.assign(location);
    },
  });
  const name = own.data?.provider;
  if (own.data === undefined || name == null) return null;
  const { linked, failure } = own.data;
  const date = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium" });
  return (
    <section className={classes["section"]} aria-labelledby="provider">
      <Title order={2} id="provider">
        {name}
      </Title>
      <Text c="dimmed">{t("providerHint", { name })}</Text>
      <div className={classes["factor"]}>
        {linked === null ? (
          <>
            <p className={classes["state"]}>
              <Link2Off size={16} aria-hidden />
              {t("notLinked")}
            </p>
            <FormFailure error={link.error ?? (failure === null ? null : new Error(failure))} />
            <Button
              loading={link.isPending}
              onClick={() => {
                link.mutate();
              }}
            >
              {t("link", { name })}
            </Button>
          </>
        ) : (
          <>
            <p className={classes["state"]} data-state="on">
              <Link2 size={16} aria-hidden />
              {t("linkedSince", { since: date.format(new Date(linked.since)) })} {linked.email}
            </p>
            <Button variant="default" onClick={unlink.open}>
              {t("unlink")}
            </Button>
          </>
        )}
      </div>
      <Modal
        opened={unlinking}
        onClose={unlink.close}
        title={t("unlinkTitle", { name })}
        closeButtonProps={{ "aria-label": t("common:close") }}
      >
        <UnlinkForm login={login} onClose={unlink.close} />
      </Modal>
    </section>
  );
}

function UnlinkForm({ login, onClose }: { login: string; onClose: () => void }) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { password: "" },
    validate: { password: (value) => (value === "" ? t("ownPasswordMissing") : null) },
  });
  const unlink = useMutation({
    mutationFn: ({ password }: { password: string }) =>
      api.POST("/api/v1/account/identity/remove", { body: { password } }),
    onSuccess: () => {
      onClose();
      void toast(t("unlinked"));
    },
    onSettled: () => client.invalidateQueries({ queryKey: ownIdentityQuery.queryKey }),
    gcTime: 0,
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        unlink.mutate(values);
      })}
    >
      <Stack gap="md">
        <Text>{t("unlinkBody")}</Text>
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <PasswordInput
          label={t("ownPassword")}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          data-autofocus
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <FormFailure error={unlink.error} />
        <FormButtons submit={t("unlinkNow")} isPending={unlink.isPending} onClose={onClose} />
      </Stack>
    </form>
  );
}
