/** One's own second factor: whether there is one, and the dialogs that set it up and remove it. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { ShieldCheck, ShieldOff, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ownSecondFactorQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import classes from "./account.module.css";
import { RemoveSecondFactor } from "./RemoveSecondFactor";
import { SetUpSecondFactor } from "./SetUpSecondFactor";

/** With so few recovery codes it is time for new ones. */
const FEW = 3;

/** Properties of {@link SecondFactor}. */
export interface SecondFactorProps {
  login: string;
  organisation: string;
}

/** The state and what can be done. */
export function SecondFactor({ login, organisation }: SecondFactorProps) {
  const { t, i18n } = useTranslation("account");
  const factor = useQuery(ownSecondFactorQuery);
  const [settingUp, setUp] = useDisclosure(false);
  const [removing, remove] = useDisclosure(false);
  const date = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium" });
  const { enabled = false, since = null, recovery_codes_left: left = 0 } = factor.data ?? {};
  return (
    <div className={classes["factor"]}>
      <FormFailure error={factor.error} />
      {factor.isPending && <Loading />}
      {factor.data !== undefined && !enabled && (
        <>
          <p className={classes["state"]} data-state="off">
            <ShieldOff size={16} aria-hidden />
            {t("factorOff")}
          </p>
          <Button onClick={setUp.open}>{t("setUp")}</Button>
        </>
      )}
      {enabled && (
        <>
          <p className={classes["state"]} data-state="on">
            <ShieldCheck size={16} aria-hidden />
            {t("factorOn", { since: since === null ? "" : date.format(new Date(since)) })}
          </p>
          <p className={classes["state"]} data-state={left <= FEW ? "few" : "enough"}>
            {left <= FEW && <TriangleAlert size={16} aria-hidden />}
            <span>
              {t("codesLeft", { count: left })} {left <= FEW && t("codesFew")}
            </span>
          </p>
          <Button variant="default" onClick={remove.open}>
            {t("removeFactor")}
          </Button>
        </>
      )}
      <SetUpSecondFactor login={login} organisation={organisation} opened={settingUp} onClose={setUp.close} />
      <RemoveSecondFactor login={login} opened={removing} onClose={remove.close} />
    </div>
  );
}
