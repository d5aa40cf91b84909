/** One person in the list, and what can be done about them. */
import { ActionIcon, Menu } from "@mantine/core";
import { CircleCheck, CirclePause, Ellipsis, Hourglass, Mail, MailX } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import classes from "./people.module.css";

/** What the menu of a person offers. */
export type PersonAction = "approve" | "change" | "invite" | "reset" | "revoke" | "factor" | "suspend" | "activate" | "delete";

/** Properties of {@link PersonRow}. */
export interface PersonRowProps {
  person: Person;
  /** Whether it is who looks. */
  isSelf: boolean;
  /** Whether who looks may change them. */
  mayChange: boolean;
  /** Whether a request about them is under way. */
  isBusy: boolean;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  onAction: (action: PersonAction) => void;
}

/** A row of the table, a card on a phone. */
export function PersonRow({ person, isSelf, mayChange, isBusy, now, onAction }: PersonRowProps) {
  const { t } = useTranslation(["people", "common"]);
  const { login, name, role, email, email_confirmed: confirmed } = person;
  return (
    <tr>
      <th scope="row" className={table["beside"]}>
        <span>
          {login}
          {isSelf && <span className={classes["you"]}>{t("you")}</span>}
        </span>
      </th>
      <td data-label={t("name")} className={classes["name"]}>
        <span>
          {name === "" ? <span className="sn-dim">{t("noName")}</span> : name}
          {email !== null && (
            <span className="sn-dim">{` · ${email}, ${t(confirmed ? "emailConfirmed" : "emailWaits")}`}</span>
          )}
        </span>
      </td>
      <td data-label={t("role")} className={classes["name"]}>
        <span>
          {t(`common:user.role.${role}`)}
          {person.class !== null && <span className="sn-dim">{` · ${person.class.name}`}</span>}
        </span>
      </td>
      <td data-label={t("status")}>
        <Status person={person} />
      </td>
      <td data-label={t("seen")}>
        {person.last_seen_at === null ? (
          <span className="sn-dim">{t("never")}</span>
        ) : (
          <Moment time={new Date(person.last_seen_at)} now={now} />
        )}
      </td>
      <td className={`${table["act"] ?? ""} ${table["corner"] ?? ""}`}>
        {mayChange && (
          <Menu position="bottom-end" withInitialFocusPlaceholder={false} withinPortal={false}>
            <Menu.Target>
              <ActionIcon aria-label={t("actions", { login })} loading={isBusy}>
                <Ellipsis size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {actionsFor(person, isSelf).map((action) => (
                <Menu.Item
                  key={action}
                  {...(action === "delete" ? { color: "var(--sn-danger)" } : {})}
                  onClick={() => {
                    onAction(action);
                  }}
                >
                  {t(action === "revoke" ? `revoke_${person.link?.purpose === "reset" ? "reset" : "invitation"}` : `act.${action}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </td>
    </tr>
  );
}

/** What makes sense for a person as they are; the server decides. */
export function actionsFor(
  { status, link, awaits_approval: waits }: Pick<Person, "status" | "link" | "awaits_approval">,
  isSelf: boolean,
): PersonAction[] {
  return [
    waits ? "approve" : "change",
    ...(status === "pending" && !waits ? (["invite"] as const) : []),
    ...(status === "active" && !isSelf ? (["reset"] as const) : []),
    ...(link === null ? [] : (["revoke"] as const)),
    ...((status === "active" || status === "suspended") && !isSelf ? (["factor"] as const) : []),
    ...(status === "active" ? (["suspend"] as const) : []),
    ...(status === "suspended" ? (["activate"] as const) : []),
    "delete",
  ];
}

function Status({ person }: { person: Person }) {
  const { t, i18n } = useTranslation(["people", "common"]);
  const { status, link, awaits_approval: waits } = person;
  const state = waits ? "waiting" : status === "pending" && link === null ? "over" : status;
  const Icon = { pending: Mail, waiting: Hourglass, over: MailX, active: CircleCheck, suspended: CirclePause, deleted: MailX }[state];
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <span className={classes["status"]} data-state={state}>
      <Icon size={14} aria-hidden />
      <span>
        {t(`status_${state}`)}
        {link !== null && (
          <span className="sn-dim">
            {" · "}
            {t(link.purpose === "reset" ? "resetUntil" : "until", { until: until.format(new Date(link.expires_at)) })}
          </span>
        )}
      </span>
    </span>
  );
}
