/** Finds a site, a building or a floor by its name, to choose it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Place, placesQuery } from "@/api/queries";
import { withWords } from "@/pages/groups/form";
import { FindList } from "@/shell/FindList";
import type { FindProps } from "./FindPerson";

/** A field and what it finds. */
export function FindPlace({ fits, ...others }: FindProps) {
  const { t } = useTranslation("groups");
  const [words, setWords] = useState("");
  const { data, error } = useQuery(placesQuery);
  const noteOf = ({ kind, parent }: Place) => {
    const outer = data?.find(({ id }) => id === parent);
    return outer === undefined ? t(`kind_${kind}`) : t("kindIn", { kind: t(`kind_${kind}`), name: outer.name });
  };
  return (
    <FindList
      {...others}
      words={words}
      onWords={setWords}
      found={data === undefined ? undefined : withWords(data, words, ({ name }) => [name]).filter(fits)}
      error={error}
      noteOf={noteOf}
    />
  );
}
