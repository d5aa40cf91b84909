/** The list of people: a table on a desktop, one card per person on a phone; and the dialogs that it opens. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body, sentenceOf } from "@/api/client";
import { peopleQuery, type Person, type Session } from "@/api/queries";
import { rolesUpTo } from "@/api/roles";
import table from "@/shell/CardTable.module.css";
import { toast } from "@/shell/toast";
import { ChangePerson } from "./ChangePerson";
import { EndAccess } from "./EndAccess";
import { type IssuedLink, LinkDialog } from "./OneTimeLink";
import { type PersonAction, PersonRow } from "./PersonRow";
import { RemoveFactor } from "./RemoveFactor";

/** Properties of {@link PeopleTable}. */
export interface PeopleTableProps {
  people: readonly Person[];
  /** Who looks. */
  user: Session["user"];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

type Dialog =
  | { kind: "approve" | "change" | "suspend" | "delete" | "factor"; person: Person; number: number }
  | { kind: "link"; issued: IssuedLink; number: number };

/** What needs no dialog first. */
type Direct = Extract<PersonAction, "invite" | "reset" | "revoke" | "activate">;

function isDirect(action: PersonAction): action is Direct {
  return action === "invite" || action === "reset" || action === "revoke" || action === "activate";
}

async function request(action: Direct, { id, version, link }: Person): Promise<IssuedLink["link"] | null> {
  const params = { params: { path: { id } } };
  if (action === "invite") return body(await api.POST("/api/v1/users/{id}/invitation", params));
  if (action === "reset") return body(await api.POST("/api/v1/users/{id}/password-reset", params));
  if (action === "activate") {
    await api.PATCH("/api/v1/users/{id}", { ...params, body: { version, status: "active" } });
  } else if (link?.purpose === "reset") {
    await api.DELETE("/api/v1/users/{id}/password-reset", params);
  } else {
    await api.DELETE("/api/v1/users/{id}/invitation", params);
  }
  return null;
}

/** All people. */
export function PeopleTable({ people, user, now }: PeopleTableProps) {
  const { t } = useTranslation(["people", "common"]);
  const client = useQueryClient();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [opened, setOpened] = useState(false);
  const manageable = rolesUpTo(user.role);
  const open = (next: Dialog) => {
    setDialog(next);
    setOpened(true);
  };
  const number = (dialog?.number ?? 0) + 1;
  const direct = useMutation({
    mutationFn: ({ action, person }: { action: Direct; person: Person }) => request(action, person),
    onSuccess: (link, { action, person }) => {
      if (link !== null) open({ kind: "link", issued: { login: person.login, link }, number });
      else void toast(t(action === "activate" ? "activated" : "linkRevoked", { login: person.login }));
    },
    onError: (error) => {
      void toast(sentenceOf(error), "red");
    },
    onSettled: () => client.invalidateQueries({ queryKey: peopleQuery.queryKey }),
  });
  const close = () => {
    setOpened(false);
  };
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("list")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("login")}</th>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("role")}</th>
            <th scope="col">{t("status")}</th>
            <th scope="col">{t("seen")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("more")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <PersonRow
              key={person.id}
              person={person}
              isSelf={person.id === user.id}
              mayChange={manageable.includes(person.role)}
              isBusy={direct.isPending && direct.variables.person.id === person.id}
              now={now}
              onAction={(action) => {
                if (isDirect(action)) direct.mutate({ action, person });
                else open({ kind: action, person, number });
              }}
            />
          ))}
        </tbody>
      </table>
      {dialog?.kind === "link" && (
        <LinkDialog key={dialog.number} issued={dialog.issued} opened={opened} onClose={close} />
      )}
      {(dialog?.kind === "change" || dialog?.kind === "approve") && (
        <ChangePerson
          key={dialog.number}
          person={dialog.person}
          own={user.role}
          letIn={dialog.kind === "approve"}
          opened={opened}
          onClose={close}
        />
      )}
      {dialog?.kind === "factor" && (
        <RemoveFactor key={dialog.number} person={dialog.person} opened={opened} onClose={close} />
      )}
      {(dialog?.kind === "suspend" || dialog?.kind === "delete") && (
        <EndAccess key={dialog.number} person={dialog.person} how={dialog.kind} opened={opened} onClose={close} />
      )}
    </>
  );
}
