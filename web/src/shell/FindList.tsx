/** A field for words and what they find, to choose one thing or several. Whoever uses it finds. */
import { Button, Stack, Text, TextInput } from "@mantine/core";
import { Check, Search } from "lucide-react";
import { FormFailure } from "./FormFailure";
import classes from "./FindList.module.css";
import { Loading } from "./Loading";

/** So many are shown; words find the others. */
export const SHOWN = 20;

/** The words around the list, which are those of the page that it stands on. */
export interface FindWords {
  label: string;
  hint: string;
  /** Names the list of what was found. */
  list: string;
  /** Said when there is nothing to choose. */
  none: string;
  /** Said when the words fit nothing. */
  noneFits: string;
  /** Said when more fit than are listed. */
  more: (shown: number) => string;
}

/** Something that can be chosen. */
export interface Choosable {
  id: string;
  name: string;
}

/** Properties of {@link FindList}. */
export interface FindListProps<Thing extends Choosable> extends FindWords {
  /** What is typed. */
  words: string;
  onWords: (words: string) => void;
  /** What fits the words; undefined while that is asked for. */
  found: readonly Thing[] | undefined;
  error: Error | null;
  /** What stands beside the name. */
  noteOf?: ((thing: Thing) => string | null) | undefined;
  /** Whether it is chosen by now; without it, choosing is the end. */
  isChosen?: ((thing: Thing) => boolean) | undefined;
  onChoose: (thing: Thing) => void;
}

/** The field and the list. */
export function FindList<Thing extends Choosable>(props: FindListProps<Thing>) {
  const { label, hint, list, none, noneFits, more, words, onWords, found, error, noteOf, isChosen, onChoose } = props;
  return (
    <Stack gap="md">
      <TextInput
        type="search"
        label={label}
        description={hint}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        leftSection={<Search size={14} aria-hidden />}
        value={words}
        onChange={(event) => {
          onWords(event.currentTarget.value);
        }}
      />
      <FormFailure error={error} />
      {found === undefined && error === null && <Loading />}
      {found?.length === 0 && (
        <Text c="dimmed" role="status">
          {words.trim() === "" ? none : noneFits}
        </Text>
      )}
      <ul className={classes["found"]} aria-label={list}>
        {(found ?? []).slice(0, SHOWN).map((thing) => {
          const note = noteOf?.(thing) ?? null;
          const chosen = isChosen?.(thing);
          return (
            <li key={thing.id}>
              <Button
                variant="default"
                aria-pressed={chosen}
                fullWidth
                justify="space-between"
                rightSection={
                  <span className={classes["note"]}>
                    {note}
                    {chosen === true && <Check size={16} aria-hidden />}
                  </span>
                }
                onClick={() => {
                  onChoose(thing);
                }}
              >
                {thing.name}
              </Button>
            </li>
          );
        })}
      </ul>
      {found !== undefined && found.length > SHOWN && <Text c="dimmed">{more(SHOWN)}</Text>}
    </Stack>
  );
}
