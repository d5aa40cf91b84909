/** The dialog that makes the claim link of a device, shows it once with its QR code, and revokes one that is out. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { claimLinkQuery, type Device } from "@/api/queries";
import type { components } from "@/api/schema";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { linkAddress } from "@/shell/oneTimeLink";
import { Secret } from "@/shell/Secret";
import { toast } from "@/shell/toast";

const QrCode = lazy(() => import("@/shell/qr/QrCode"));

type Link = components["schemas"]["OneTimeLink"];

/** Properties of {@link ClaimLink}. */
export interface ClaimLinkProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

/** Dialog; closing it forgets the link. */
export function ClaimLink({ device, opened, onClose }: ClaimLinkProps) {
  const { t } = useTranslation(["devices", "common"]);
  const [made, setMade] = useState<Link | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a link that is shown once.
      closeOnClickOutside={made === null}
      title={made === null ? t("claimTitle", { name: device.name }) : t("claimShow")}
      closeButtonProps={{ "aria-label": t("common:close") }}
      onExitTransitionEnd={() => {
        setMade(null);
      }}
    >
      {made === null ? (
        <Make device={device} onMade={setMade} onClose={onClose} />
      ) : (
        <Show device={device} link={made} onClose={onClose} />
      )}
    </Modal>
  );
}

interface MakeProps {
  device: Device;
  onMade: (link: Link) => void;
  onClose: () => void;
}

function Make({ device: { id, name }, onMade, onClose }: MakeProps) {
  const { t, i18n } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const out = useQuery(claimLinkQuery(id));
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const refresh = () => client.invalidateQueries({ queryKey: claimLinkQuery(id).queryKey });
  const make = useMutation({
    mutationFn: async () =>
      body(await api.POST("/api/v1/devices/{id}/claim", { params: { path: { id } }, body: {} })),
    onSuccess: onMade,
    onSettled: refresh,
    // There is a secret in it.
    gcTime: 0,
  });
  const revoke = useMutation({
    mutationFn: () => api.DELETE("/api/v1/devices/{id}/claim", { params: { path: { id } } }),
    onSuccess: () => {
      void toast(t("claimRevoked", { name }));
    },
    onSettled: refresh,
  });
  return (
    <Stack gap="md">
      <Text>{t("claimWhy")}</Text>
      {out.data != null && (
        <Group justify="space-between" gap="sm">
          <Text>{t("claimOut", { until: until.format(new Date(out.data.expires_at)) })}</Text>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            loading={revoke.isPending}
            onClick={() => {
              revoke.mutate();
            }}
          >
            {t("claimRevoke")}
          </Button>
        </Group>
      )}
      <FormFailure error={make.error ?? revoke.error ?? out.error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          {t("common:cancel")}
        </Button>
        <Button
          data-autofocus
          loading={make.isPending}
          onClick={() => {
            make.mutate();
          }}
        >
          {t("claimMake")}
        </Button>
      </Group>
    </Stack>
  );
}

function Show({ device: { name }, link, onClose }: { device: Device; link: Link; onClose: () => void }) {
  const { t, i18n } = useTranslation("devices");
  const address = linkAddress(globalThis.location.origin, "claim", link.code);
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const label = t("claimLabel", { name });
  return (
    <Stack gap="md">
      <Text>{t("claimBody", { until: until.format(new Date(link.expires_at)) })}</Text>
      <Suspense fallback={null}>
        <QrCode text={address} label={t("claimQr", { name })} />
      </Suspense>
      <Secret text={address} label={label} />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={address} label={label} />
        <Button onClick={onClose}>{t("claimDone")}</Button>
      </Group>
    </Stack>
  );
}
