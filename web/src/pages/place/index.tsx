/** One site, building or floor: what is in it, its plan, and the devices on it. Only editors change them. */
import { Anchor, Button, NativeSelect, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useRouteContext, useSearch } from "@tanstack/react-router";
import { Building2, ChevronLeft, Map as PlanIcon, Pencil } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { databasesQuery, type Place, placesQuery } from "@/api/queries";
import { isEditor, isGuest } from "@/api/roles";
import { PlaceForm } from "@/pages/places/PlaceForm";
import { pathTo, treeOf } from "@/pages/places/tree";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { OnPlan } from "./OnPlan";
import classes from "./place.module.css";
import { RemovePlan } from "./RemovePlan";
import { validateSearch } from "./search";
import { DropPlan, PickPlan, UploadState } from "./UploadPlan";
import { usePlanUpload } from "./usePlanUpload";

/** The page `/places/$id`. */
export default function PlacePage() {
  const { t } = useTranslation("places");
  const { id } = useParams({ from: "/signed-in/places/$id" });
  const seesOnlyShared = useRouteContext({ from: "/signed-in", select: (context) => isGuest(context.session.user.role) });
  const places = useQuery(placesQuery);
  const known = places.data;
  const place = known?.find((one) => one.id === id);
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("way")} className={classes["way"]}>
        <Anchor renderRoot={(props) => <Link to="/places" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
        {place !== undefined &&
          pathTo(known ?? [], place).map((outer) => (
            <Anchor key={outer.id} renderRoot={(props) => <Link to="/places/$id" params={{ id: outer.id }} {...props} />}>
              {outer.name}
            </Anchor>
          ))}
      </nav>
      <FormFailure error={places.error} />
      {places.isPending && <Loading />}
      {known !== undefined && place === undefined && (
        <EmptyState order={1} icon={Building2} title={t("gone")} description={t(seesOnlyShared ? "goneGuest" : "goneWhy")}>
          <Link to="/places">{t("all")}</Link>
        </EmptyState>
      )}
      {known !== undefined && place !== undefined && <Found key={id} place={place} places={known} />}
    </div>
  );
}

function Found({ place, places }: { place: Place; places: readonly Place[] }) {
  const { t, i18n } = useTranslation("places");
  const { db } = validateSearch({ ...useSearch({ from: "/signed-in/places/$id" }) });
  const navigate = useNavigate({ from: "/places/$id" });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const mayChange = isEditor(role);
  const seesOnlyShared = isGuest(role);
  const databases = useQuery({ ...databasesQuery, enabled: !seesOnlyShared });
  const upload = usePlanUpload(place);
  const [editing, edit] = useDisclosure(false);
  // Each dialog begins anew.
  const [number, setNumber] = useState(0);
  const [removing, remove] = useDisclosure(false);
  const { id, name, kind, level, plan, location } = place;
  const metres = new Intl.NumberFormat(i18n.language, { maximumSignificantDigits: 4 });
  const scale = plan?.metres_per_pixel ?? null;
  const facts = [
    t(`kind_${kind}`),
    ...(level === null ? [] : [t("onLevel", { level })]),
    ...(location === null ? [] : [`${location.latitude}, ${location.longitude}`]),
    ...(plan === null || scale === null
      ? []
      : [t("extent", { width: metres.format(plan.width * scale), height: metres.format(plan.height * scale) })]),
  ].join(" · ");
  const names = (databases.data ?? []).map((database) => database.name);
  const inside = treeOf(places.filter(({ parent }) => parent === id));
  return (
    <>
      <PageHeader title={name} description={facts}>
        {names.length > 1 && plan !== null && (
          <NativeSelect
            aria-label={t("database")}
            value={db ?? "main"}
            data={db === undefined || names.includes(db) ? names : [db, ...names]}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              void navigate({
                search: ({ device }) => ({
                  ...(device === undefined ? {} : { device }),
                  ...(chosen === "main" ? {} : { db: chosen }),
                }),
                replace: true,
              });
            }}
          />
        )}
        {mayChange && plan !== null && (
          <>
            <PickPlan upload={upload} words={t("replacePlan")} isPlain />
            <Button
              variant="default"
              onClick={() => {
                setNumber(number + 1);
                remove.open();
              }}
            >
              {t("removePlan")}
            </Button>
          </>
        )}
        {mayChange && (
          <Button
            variant="default"
            leftSection={<Pencil size={16} aria-hidden />}
            onClick={() => {
              setNumber(number + 1);
              edit.open();
            }}
          >
            {t("change")}
          </Button>
        )}
      </PageHeader>
      {mayChange && <UploadState upload={upload} />}
      {inside.length > 0 && (
        <section aria-labelledby="inside">
          <Title order={2} id="inside">
            {t("within", { name })}
          </Title>
          <ul className={classes["inside"]}>
            {inside.map(({ place: inner }) => (
              <li key={inner.id}>
                <Link to="/places/$id" params={{ id: inner.id }}>
                  {inner.name}
                </Link>
                <span className="sn-dim">{t("count_device", { count: inner.devices })}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <DropPlan upload={mayChange ? upload : null}>
        {plan === null ? (
          <EmptyState icon={PlanIcon} title={t("noPlan")} description={t(mayChange ? "noPlanWhy" : "noPlanViewer")}>
            {mayChange && <PickPlan upload={upload} words={t("addPlan")} />}
            {mayChange && <Text c="dimmed">{t("orDrop")}</Text>}
          </EmptyState>
        ) : null}
        {(plan !== null || place.devices > 0) && <OnPlan place={place} places={places} mayChange={mayChange} seesTypes={!seesOnlyShared} />}
      </DropPlan>
      <PlaceForm key={`edit ${number}`} subject={{ place }} opened={editing} onClose={edit.close} />
      <RemovePlan key={`remove ${number}`} place={place} opened={removing} onClose={remove.close} />
    </>
  );
}
