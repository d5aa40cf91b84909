/** Chooses a place on a map instead of typing degrees. The map is fetched when it is asked for. */
import { Button } from "@mantine/core";
import { MapPin } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { loadStrings } from "@/i18n";
import { Loading } from "@/shell/Loading";
import classes from "./PickLocation.module.css";
import type { Located, View } from "./view";

const WorldMap = lazy(async () => {
  await loadStrings("map");
  return import("./WorldMap");
});

/** Properties of {@link PickLocation}. */
export interface PickLocationProps {
  /** The words of the button that opens it, and of the one that takes the middle. */
  open: string;
  takeMiddle: string;
  label: string;
  /** What is filled in by now, if it is a place. */
  value: Located | null;
  onPick: (place: Located) => void;
}

const NO_POINTS = [] as const;

/** A button, and then a map. */
export function PickLocation({ open, takeMiddle, label, value, onPick }: PickLocationProps) {
  const [isOpen, setOpen] = useState(false);
  const [view, setView] = useState<View | null>(null);
  if (!isOpen) {
    return (
      <Button
        variant="default"
        leftSection={<MapPin size={16} aria-hidden />}
        className={classes["button"] ?? ""}
        onClick={() => {
          setOpen(true);
        }}
      >
        {open}
      </Button>
    );
  }
  return (
    <Suspense fallback={<Loading />}>
      <div className={classes["map"]}>
        <WorldMap
          label={label}
          points={NO_POINTS}
          view={value === null ? null : { ...value, zoom: 6 }}
          picked={value}
          onPick={onPick}
          onView={setView}
        />
      </div>
      <Button
        variant="default"
        className={classes["button"] ?? ""}
        disabled={view === null}
        onClick={() => {
          if (view !== null) onPick(view);
        }}
      >
        {takeMiddle}
      </Button>
    </Suspense>
  );
}
