/** Finds a person by login or name, to choose them; guests come first. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { everybodyQuery } from "@/api/groups";
import { isGuest } from "@/api/roles";
import { withWords } from "@/pages/groups/form";
import { type Choosable, FindList, type FindListProps, type FindWords } from "@/shell/FindList";

/** Properties of {@link FindPerson} and of what finds places. */
export interface FindProps extends FindWords, Pick<FindListProps<Choosable>, "isChosen" | "onChoose"> {
  /** Whether one may be chosen. */
  fits: (thing: Choosable) => boolean;
}

/** A field and whom it finds. */
export function FindPerson({ fits, ...others }: FindProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState("");
  const { data, error } = useQuery(everybodyQuery);
  const people = useMemo(() => {
    const all = (data ?? []).map(({ id, login, name, role }) => ({ id, name: login, called: name, role }));
    return [...all.filter(({ role }) => isGuest(role)), ...all.filter(({ role }) => !isGuest(role))];
  }, [data]);
  const found = withWords(people, words, ({ name, called }) => [name, called]).filter(fits);
  return (
    <FindList
      {...others}
      words={words}
      onWords={setWords}
      found={data === undefined ? undefined : found}
      error={error}
      noteOf={({ called, role }) => [called, t(`user.role.${role}`)].filter((text) => text !== "").join(" · ")}
    />
  );
}
