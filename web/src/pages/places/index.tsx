/** The sites, buildings and floors that devices are in. Only editors change them. */
import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouteContext, useSearch } from "@tanstack/react-router";
import { Building2, Plus, Search, SearchX } from "lucide-react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Place, placesQuery } from "@/api/queries";
import { isEditor, isGuest } from "@/api/roles";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { NothingShared } from "@/shell/NothingShared";
import { PageHeader } from "@/shell/PageHeader";
import { DeletePlace } from "./DeletePlace";
import { PlaceForm, type Subject } from "./PlaceForm";
import { type Deed, PlaceTree } from "./PlaceTree";
import classes from "./places.module.css";
import { validateSearch } from "./search";
import { filtered, INNER, treeOf } from "./tree";

/** From so many places on, one looks for them. */
const MANY = 12;

type Dialog = { kind: "form"; subject: Subject } | { kind: "delete"; place: Place };

/** The page `/places`. */
export default function PlacesPage() {
  const { t } = useTranslation("places");
  const { q = "" } = validateSearch({ ...useSearch({ from: "/signed-in/places" }) });
  const navigate = useNavigate({ from: "/places" });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const mayChange = isEditor(role);
  const places = useQuery(placesQuery);
  const known = places.data;
  const tree = useMemo(() => treeOf(known ?? []), [known]);
  const found = useMemo(() => filtered(tree, q), [tree, q]);
  // The address follows what is typed, a little later; the field follows the address only when somebody else changed it.
  const search = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (search.current !== null && search.current !== document.activeElement) search.current.value = q;
  }, [q]);
  // Each dialog begins anew.
  const [dialog, setDialog] = useState<(Dialog & { number: number }) | null>(null);
  const [opened, { open, close }] = useDisclosure(false);
  const show = (next: Dialog) => {
    setDialog({ ...next, number: (dialog?.number ?? 0) + 1 });
    open();
  };
  const onDeed = (deed: Deed, place: Place) => {
    const inner = INNER[place.kind];
    if (deed === "delete") show({ kind: "delete", place });
    else if (deed === "change") show({ kind: "form", subject: { place } });
    else if (inner !== null) show({ kind: "form", subject: { kind: inner, parent: place } });
  };
  const add = (kind: "site" | "building", isFirst: boolean) => (
    <Button
      {...(isFirst ? {} : { variant: "default" })}
      leftSection={<Plus size={16} aria-hidden />}
      onClick={() => {
        show({ kind: "form", subject: { kind, parent: null } });
      }}
    >
      {t(`add_${kind}`)}
    </Button>
  );
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        {mayChange && known !== undefined && known.length > 0 && (
          <>
            {add("site", false)}
            {add("building", true)}
          </>
        )}
      </PageHeader>
      <FormFailure error={places.error} />
      {places.isPending && <Loading />}
      {known?.length === 0 && isGuest(role) && <NothingShared />}
      {known?.length === 0 && !isGuest(role) && (
        <EmptyState icon={Building2} title={t("none")} description={t(mayChange ? "noneWhy" : "noneViewer")}>
          {mayChange && add("building", true)}
          {mayChange && add("site", false)}
        </EmptyState>
      )}
      {known !== undefined && (known.length > MANY || q !== "") && (
        <TextInput
          type="search"
          className={classes["search"] ?? ""}
          label={t("search")}
          maxLength={100}
          ref={search}
          defaultValue={q}
          autoComplete="off"
          leftSection={<Search size={14} aria-hidden />}
          onChange={(event) => {
            void navigate({ search: validateSearch({ q: event.currentTarget.value }), replace: true, resetScroll: false });
          }}
        />
      )}
      {known !== undefined && known.length > 0 && found.length === 0 && (
        <EmptyState icon={SearchX} title={t("noMatch")} description={t("noMatchWhy")}>
          <Link to="/places">{t("clear")}</Link>
        </EmptyState>
      )}
      {found.length > 0 && <PlaceTree branches={found} mayChange={mayChange} onDeed={onDeed} />}
      {dialog?.kind === "form" && (
        <PlaceForm key={dialog.number} subject={dialog.subject} opened={opened} onClose={close} />
      )}
      {dialog?.kind === "delete" && (
        <DeletePlace key={dialog.number} place={dialog.place} opened={opened} onClose={close} />
      )}
    </div>
  );
}
