/** Finds a device by words, to choose it. */
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Device, devicesQuery } from "@/api/queries";
import { FindList, type FindListProps, type FindWords, SHOWN } from "@/shell/FindList";

const TYPING_MS = 200;

/** Properties of {@link FindDevice}. */
export interface FindDeviceProps extends FindWords, Pick<FindListProps<Device>, "noteOf" | "isChosen" | "onChoose"> {
  /** Whether a device may be chosen; without it, all may. */
  fits?: (device: Device) => boolean;
}

/** A field and what it finds. */
export function FindDevice({ fits = () => true, ...others }: FindDeviceProps) {
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim(), TYPING_MS);
  const list = useInfiniteQuery({ ...devicesQuery(words === "" ? {} : { q: words }), placeholderData: keepPreviousData });
  const { data, error, hasNextPage, isFetching, isPlaceholderData, fetchNextPage } = list;
  const found = data?.pages.flatMap(({ devices }) => devices).filter(fits);
  // The first ones may all be such that may not be chosen.
  const isShort = found !== undefined && found.length <= SHOWN && hasNextPage && !isPlaceholderData && error === null;
  useEffect(() => {
    if (isShort && !isFetching) void fetchNextPage();
  }, [isShort, isFetching, fetchNextPage]);
  return (
    <FindList
      {...others}
      words={typed}
      onWords={setTyped}
      found={isShort && found.length === 0 ? undefined : found}
      error={error}
    />
  );
}
