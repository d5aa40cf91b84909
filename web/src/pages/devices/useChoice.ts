/** Which devices of the list are chosen. A choice is about one set of filters: with others it begins anew. */
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import type { Device } from "@/api/queries";
import type { Choice } from "./DeviceTable";
import { between } from "./rows";

type List = UseInfiniteQueryResult<InfiniteData<{ devices: Device[]; next: string | null }>>;

/** What {@link useChoice} gives. */
export interface Chosen {
  choice: Choice;
  /** Those that are chosen and still there, in the order of the list. */
  chosen: readonly Device[];
  clear: () => void;
  /** Loads what is left of the list, and chooses all of it. */
  chooseAll: () => void;
  isChoosingAll: boolean;
}

const NONE: ReadonlySet<string> = new Set();

/** The choice among the devices of a list; `about` tells one list from another. */
export function useChoice(list: List, devices: readonly Device[], about: string): Chosen {
  const [made, setMade] = useState({ about, ids: NONE });
  const [isChoosingAll, setChoosingAll] = useState(false);
  const before = useRef<number | null>(null);
  const ids = made.about === about ? made.ids : NONE;
  const onChoose = useCallback<Choice["onChoose"]>(
    (index, isChosen, through) => {
      const from = through && before.current !== null ? before.current : index;
      before.current = index;
      setMade((old) => {
        const next = new Set(old.about === about ? old.ids : NONE);
        for (const { id } of between(devices, from, index)) {
          if (isChosen) next.add(id);
          else next.delete(id);
        }
        return { about, ids: next };
      });
    },
    [devices, about],
  );
  const onChooseAll = useCallback(
    (isChosen: boolean) => {
      setMade({ about, ids: isChosen ? new Set(devices.map(({ id }) => id)) : NONE });
    },
    [devices, about],
  );
  const choice = useMemo(() => ({ chosen: ids, onChoose, onChooseAll }), [ids, onChoose, onChooseAll]);
  const chosen = useMemo(() => devices.filter(({ id }) => ids.has(id)), [devices, ids]);
  const { fetchNextPage } = list;
  const loadAll = async () => {
    setChoosingAll(true);
    for (;;) {
      const { data, hasNextPage, isError } = await fetchNextPage();
      const loaded = data?.pages.flatMap((page) => page.devices) ?? [];
      setMade({ about, ids: new Set(loaded.map(({ id }) => id)) });
      if (!hasNextPage || isError) break;
    }
    setChoosingAll(false);
  };
  return {
    choice,
    chosen,
    clear: () => {
      setMade({ about, ids: NONE });
    },
    chooseAll: () => void loadAll(),
    isChoosingAll,
  };
}
