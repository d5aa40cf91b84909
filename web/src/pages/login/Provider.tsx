/** Signing in with a provider: the button that goes there, and the code that is asked for after it. */
import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { sessionOf, sessionQuery } from "@/api/queries";
import type { components } from "@/api/schema";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { SecondFactorStep } from "@/shell/SecondFactorStep";

/** Goes to the provider, and says why it was in vain the last time. */
export function ProviderButton({ door }: { door: components["schemas"]["Door"] }) {
  const { t } = useTranslation("login");
  return (
    <>
      <FormFailure error={door.failure === null ? null : new Error(door.failure)} />
      <Button component="a" href="/api/v1/session/oidc" variant="default">
        {t("with", { name: door.name })}
      </Button>
    </>
  );
}

/** Properties of {@link ProviderCode}. */
export interface ProviderCodeProps {
  name: string;
  next: string;
  onBack: () => void;
}

/** The provider has named a person, who has a second factor. */
export function ProviderCode({ name, next, onBack }: ProviderCodeProps) {
  const { t } = useTranslation("login");
  const router = useRouter();
  const client = useQueryClient();
  const bring = useMutation({
    mutationFn: async (code: string) => body(await api.POST("/api/v1/session/oidc", { body: { second_factor: code } })),
    onSuccess: (session) => {
      client.setQueryData(sessionQuery.queryKey, sessionOf(session));
      router.history.push(next);
    },
    gcTime: 0,
  });
  return (
    <FrontDoor title={t("title")} description={t("codeWantedAfter", { name })}>
      <SecondFactorStep
        submit={t("submit")}
        isPending={bring.isPending}
        failure={bring.error}
        onSend={bring.mutate}
        onBack={onBack}
      />
    </FrontDoor>
  );
}
