/** One's own account: the password, the e-mail address, the second factor, where one is signed in, and the way out. */
import { Button, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { LogOut } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ownSessionsQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { signOut } from "@/shell/signOut";
import classes from "./account.module.css";
import { ChangePassword } from "./ChangePassword";
import { Email } from "./Email";
import { Provider } from "./Provider";
import { Quotas } from "./Quotas";
import { SecondFactor } from "./SecondFactor";
import { Sessions } from "./Sessions";

/** The page `/account`. */
export default function AccountPage() {
  const { t } = useTranslation(["account", "common"]);
  const { user, organisation } = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  const sessions = useQuery(ownSessionsQuery);
  const role = t(`common:user.role.${user.role}`);
  return (
    <div className={classes["page"]}>
      <PageHeader
        title={t("title")}
        description={t("description", { login: user.login, role, organisation: organisation.name })}
      >
        <Button variant="default" leftSection={<LogOut size={16} aria-hidden />} onClick={() => void signOut()}>
          {t("common:user.signOut")}
        </Button>
      </PageHeader>
      <section className={classes["section"]} aria-labelledby="sessions">
        <Title order={2} id="sessions">
          {t("sessions")}
        </Title>
        <Text c="dimmed">{t("sessionsHint")}</Text>
        <FormFailure error={sessions.error} />
        {sessions.isPending && <Loading />}
        {sessions.data !== undefined && <Sessions sessions={sessions.data} now={sessions.dataUpdatedAt} />}
      </section>
      <section className={classes["section"]} aria-labelledby="password">
        <Title order={2} id="password">
          {t("password")}
        </Title>
        <div className={classes["form"]}>
          <ChangePassword login={user.login} />
        </div>
      </section>
      <section className={classes["section"]} aria-labelledby="email">
        <Title order={2} id="email">
          {t("email")}
        </Title>
        <Text c="dimmed">{t("emailHint")}</Text>
        <Email login={user.login} />
      </section>
      <section className={classes["section"]} aria-labelledby="second-factor">
        <Title order={2} id="second-factor">
          {t("factor")}
        </Title>
        <Text c="dimmed">{t("factorHint")}</Text>
        <SecondFactor login={user.login} organisation={organisation.name} />
      </section>
      <Provider login={user.login} />
      <Quotas />
    </div>
  );
}
