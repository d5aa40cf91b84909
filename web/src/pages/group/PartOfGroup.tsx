/** The members, the devices or the places of a group: the list, adding to it, and taking out of it. */
import { Button, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { Plus, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Group } from "@/api/groups";
import { type Part, thingsOf, withWords } from "@/pages/groups/form";
import { AddToGroup } from "./AddToGroup";
import classes from "./group.module.css";
import { TakeOut } from "./TakeOut";

/** From so many on, one looks for them. */
const MANY = 12;
/** So many are listed; words find the others. */
const LISTED = 100;

/** Properties of {@link PartOfGroup}. */
export interface PartOfGroupProps {
  group: Group;
  part: Part;
}

/** A section of the page. */
export function PartOfGroup({ group, part }: PartOfGroupProps) {
  const { t, i18n } = useTranslation("groups");
  const [adding, add] = useDisclosure(false);
  const [taking, take] = useDisclosure(false);
  const [taken, setTaken] = useState<{ id: string; name: string } | null>(null);
  // Each dialog begins anew.
  const [number, setNumber] = useState(0);
  const [words, setWords] = useState("");
  const things = thingsOf(group, part);
  const found = withWords(things, words, ({ name }) => [name]);
  return (
    <section className={classes["part"]} aria-labelledby={`group-${part}`}>
      <div className={classes["partHead"]}>
        <div className={classes["partName"]}>
          <Title order={2} id={`group-${part}`}>
            {t(part)}
          </Title>
          <span className="sn-dim sn-num">{new Intl.NumberFormat(i18n.language).format(things.length)}</span>
        </div>
        <Button
          variant="default"
          leftSection={<Plus size={16} aria-hidden />}
          onClick={() => {
            setNumber(number + 1);
            add.open();
          }}
        >
          {t(`add_${part}`)}
        </Button>
      </div>
      <Text c="dimmed">{t(`${part}Why`)}</Text>
      {(things.length > MANY || words !== "") && (
        <TextInput
          type="search"
          label={t(`search_${part}`)}
          maxLength={100}
          autoComplete="off"
          leftSection={<Search size={14} aria-hidden />}
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
          }}
        />
      )}
      {things.length === 0 && <Text>{t(`none_${part}`)}</Text>}
      {things.length > 0 && found.length === 0 && (
        <Text c="dimmed" role="status">
          {t("noMatch")}
        </Text>
      )}
      {found.length > 0 && (
        <ul className={`sn-panel ${classes["things"] ?? ""}`} aria-labelledby={`group-${part}`}>
          {found.slice(0, LISTED).map((thing) => (
            <li key={thing.id}>
              <Name part={part} {...thing} />
              <Button
                variant="subtle"
                color="gray"
                size="compact-sm"
                aria-label={t("takeOutNamed", { name: thing.name })}
                onClick={() => {
                  setNumber(number + 1);
                  setTaken(thing);
                  take.open();
                }}
              >
                {t("takeOut")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {found.length > LISTED && <Text c="dimmed">{t("more", { count: LISTED })}</Text>}
      <AddToGroup key={`add ${number}`} group={group} part={part} opened={adding} onClose={add.close} />
      {taken !== null && (
        <TakeOut key={`take ${number}`} group={group} part={part} thing={taken} opened={taking} onClose={take.close} />
      )}
    </section>
  );
}

function Name({ part, id, name }: { part: Part; id: string; name: string }) {
  if (part === "members") return <span>{name}</span>;
  return (
    <Link to={part === "devices" ? "/devices/$id" : "/places/$id"} params={{ id }}>
      {name}
    </Link>
  );
}
