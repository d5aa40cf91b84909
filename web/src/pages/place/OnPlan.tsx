/** The plan of a place with the devices on it, the tools to arrange them, and the list beside it. */
import { Button, Group, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Move, Plus, Ruler } from "lucide-react";
import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type DeviceOnPlan, deviceTypesQuery, type Place, placeDevicesQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { toast } from "@/shell/toast";
import { DeviceList } from "./DeviceList";
import { Marker } from "./Marker";
import { PlaceDevice } from "./PlaceDevice";
import classes from "./place.module.css";
import { type PlanHandle, PlanView } from "./PlanView";
import { FIRST_LINE, type Line, ScaleForm, ScaleLine } from "./ScaleTool";
import { validateSearch } from "./search";
import { usePositions } from "./usePositions";
import { type Point, stepped } from "./view";

/** More names than these overlap when the whole plan is seen. */
const CROWD = 40;
/** The server tells so many. */
const MOST = 1_000;
const MIDDLE: Point = { x: 0.5, y: 0.5 };

/** Properties of {@link OnPlan}. */
export interface OnPlanProps {
  place: Place;
  places: readonly Place[];
  mayChange: boolean;
  /** Whether who looks may see the types of devices; without them, values have no units. */
  seesTypes: boolean;
}

/** The plan, if there is one, and the list. */
export function OnPlan({ place, places, mayChange, seesTypes }: OnPlanProps) {
  const { t, i18n } = useTranslation("places");
  const { db, device: selected } = validateSearch({ ...useSearch({ from: "/signed-in/places/$id" }) });
  const navigate = useNavigate({ from: "/places/$id" });
  const { id, name, plan } = place;
  const answer = useQuery(placeDevicesQuery(id, db));
  const kinds = useQuery({ ...deviceTypesQuery, enabled: seesTypes });
  const types = useMemo(() => new Map((kinds.data ?? []).map((type) => [type.id, type])), [kinds.data]);
  const { seen, move, put, error } = usePositions(id);
  const devices = seen(answer.data ?? []);
  const view = useRef<PlanHandle>(null);
  const pane = useRef<HTMLDivElement>(null);
  const [mode, setMode] = useState<"look" | "arrange" | "scale">("look");
  const [line, setLine] = useState<Line>(FIRST_LINE);
  const [putting, choose] = useDisclosure(false);
  const [number, setNumber] = useState(0);
  const [said, setSaid] = useState("");
  const isArranging = mayChange && mode === "arrange";

  const select = (device: string | undefined) => {
    void navigate({
      search: { ...(db === undefined ? {} : { db }), ...(device === undefined ? {} : { device }) },
      replace: true,
      resetScroll: false,
    });
  };
  const show = (device: DeviceOnPlan) => {
    select(device.id);
    view.current?.reveal(device);
    pane.current?.scrollIntoView({ block: "nearest" });
  };
  const list = useRef<HTMLElement>(null);
  // In the list only: the page stays where it is, with the plan in sight.
  const scrollTo = (device: string) => {
    const item = document.getElementById(`device-${device}`);
    if (item === null || list.current === null) return;
    const { offsetTop, offsetHeight } = item;
    const { scrollTop, clientHeight } = list.current;
    const isSeen = offsetTop >= scrollTop && offsetTop + offsetHeight <= scrollTop + clientHeight;
    if (!isSeen) list.current.scrollTop = offsetTop - (clientHeight - offsetHeight) / 2;
  };
  const revealFirst = useEffectEvent(() => {
    const first = devices.find((device) => device.id === selected);
    if (first === undefined) return;
    view.current?.reveal(first);
    scrollTo(first.id);
  });
  const isLoaded = answer.data !== undefined;
  useEffect(() => {
    if (isLoaded) revealFirst();
  }, [isLoaded]);

  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 });
  const onMove = (device: DeviceOnPlan, to: Point, isDone: boolean) => {
    move(device.id, to, isDone);
    if (!isDone) return;
    view.current?.reveal(to);
    setSaid(t("movedTo", { name: device.name, x: percent.format(to.x), y: percent.format(to.y) }));
  };
  const remove = (device: DeviceOnPlan) => {
    put(device.id, null, () => {
      if (selected === device.id) select(undefined);
      void toast(t("removed", { name: device.name }));
    });
  };
  const head = (
    <div className={classes["listHead"]}>
      <Title order={2}>{t("devicesHere")}</Title>
      <span className="sn-dim">{t("count_device", { count: place.devices })}</span>
    </div>
  );
  return (
    <>
      <FormFailure error={answer.error ?? kinds.error ?? error} />
      {mayChange && plan !== null && (
        <Group gap="sm">
          <Button
            variant={mode === "look" ? "filled" : "default"}
            leftSection={<Plus size={16} aria-hidden />}
            onClick={() => {
              setNumber(number + 1);
              choose.open();
            }}
          >
            {t("put")}
          </Button>
          {(["arrange", "scale"] as const).map((tool) => (
            <Button
              key={tool}
              variant={mode === tool ? "filled" : "default"}
              aria-pressed={mode === tool}
              leftSection={tool === "arrange" ? <Move size={16} aria-hidden /> : <Ruler size={16} aria-hidden />}
              onClick={() => {
                setLine(FIRST_LINE);
                setMode(mode === tool ? "look" : tool);
              }}
            >
              {t(tool)}
            </Button>
          ))}
        </Group>
      )}
      {isArranging && (
        <Text c="dimmed" id="plan-arrange">
          {t("arrangeHow")}
        </Text>
      )}
      {mayChange && mode === "scale" && plan !== null && (
        <ScaleForm
          place={place}
          plan={plan}
          line={line}
          onDone={() => {
            setMode("look");
          }}
        />
      )}
      <div className="sn-hidden" role="status">
        {said}
      </div>
      {answer.isPending && <Loading />}
      <div className={classes["columns"]} data-plan={plan !== null || undefined}>
        {plan !== null && (
          <div ref={pane}>
            <PlanView
              ref={view}
              address={`/api/v1/places/${id}/plan?at=${encodeURIComponent(plan.changed_at)}`}
              alt={t("planOf", { name })}
              plan={plan}
              isCrowded={devices.length > CROWD}
            >
              {devices.map((device) => (
                <Marker
                  key={device.id}
                  device={device}
                  type={types.get(device.type?.id ?? "")}
                  isSelected={device.id === selected}
                  isMovable={isArranging}
                  onSelect={({ id: chosen }) => {
                    select(chosen);
                    scrollTo(chosen);
                  }}
                  onFocus={(focused) => view.current?.reveal(focused)}
                  onMove={onMove}
                />
              ))}
              {mode === "scale" && mayChange && <ScaleLine line={line} onChange={setLine} />}
            </PlanView>
          </div>
        )}
        <section ref={list} className={`sn-panel ${classes["list"] ?? ""}`} aria-label={t("devicesHere")}>
          {head}
          {isLoaded && devices.length === 0 && (
            <Text c="dimmed" className={classes["nobody"] ?? ""}>
              {t(mayChange ? "nobody" : "nobodyViewer")}
            </Text>
          )}
          <DeviceList
            devices={devices}
            types={types}
            selected={selected}
            now={answer.dataUpdatedAt}
            hasPlan={plan !== null}
            onShow={show}
            onRemove={isArranging || (mayChange && plan === null) ? remove : undefined}
          />
          {place.devices > MOST && (
            <Text c="dimmed" className={classes["nobody"] ?? ""}>
              {t("cut", { count: MOST })}
            </Text>
          )}
        </section>
      </div>
      <PlaceDevice
        key={number}
        place={place}
        places={places}
        opened={putting}
        onClose={choose.close}
        onChoose={(device) => {
          choose.close();
          const { x, y } = stepped(view.current?.middle() ?? MIDDLE, 0, 0);
          put(device.id, { place: id, x, y }, () => {
            setMode("arrange");
            select(device.id);
            void toast(t("isPut", { name: device.name }));
          });
        }}
      />
    </>
  );
}
