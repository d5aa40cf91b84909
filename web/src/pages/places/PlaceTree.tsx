/** The tree of places: what is in what, how many devices there are, and what editors do about each. */
import { ActionIcon, Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Building2, ChevronDown, ChevronRight, Layers, type LucideIcon, Map as Plan, TreePine } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Place } from "@/api/queries";
import classes from "./places.module.css";
import { type Branch, INNER } from "./tree";

/** What can be done about a place. */
export type Deed = "add" | "change" | "delete";

const ICONS: Record<Place["kind"], LucideIcon> = { site: TreePine, building: Building2, floor: Layers };

/** Properties of {@link PlaceTree}. */
export interface PlaceTreeProps {
  branches: readonly Branch[];
  mayChange: boolean;
  onDeed: (deed: Deed, place: Place) => void;
}

/** All places. */
export function PlaceTree(props: PlaceTreeProps) {
  const { t } = useTranslation("places");
  return (
    <div className={`sn-panel ${classes["tree"] ?? ""}`}>
      <Branches {...props} label={t("list")} />
    </div>
  );
}

function Branches({ branches, label, ...others }: PlaceTreeProps & { label: string }) {
  return (
    <ul aria-label={label}>
      {branches.map((branch) => (
        <Twig key={branch.place.id} branch={branch} {...others} />
      ))}
    </ul>
  );
}

function Twig({ branch, mayChange, onDeed }: Omit<PlaceTreeProps, "branches"> & { branch: Branch }) {
  const { t } = useTranslation("places");
  const [isOpen, setOpen] = useState(true);
  const { place, children, devices } = branch;
  const { id, name, kind, level, plan } = place;
  const Icon = ICONS[kind];
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  const inner = INNER[kind];
  const deed = (how: Deed, words: string, named: string) => (
    <Button
      variant="subtle"
      color="gray"
      size="compact-sm"
      aria-label={named}
      onClick={() => {
        onDeed(how, place);
      }}
    >
      {words}
    </Button>
  );
  return (
    <li>
      <div className={classes["row"]}>
        {children.length > 0 ? (
          <ActionIcon
            aria-expanded={isOpen}
            aria-label={t("inside", { name })}
            onClick={() => {
              setOpen(!isOpen);
            }}
          >
            <Chevron size={16} aria-hidden />
          </ActionIcon>
        ) : (
          <span className={classes["noToggle"]} />
        )}
        <span className={classes["what"]}>
          <Icon size={16} aria-hidden />
          <Link to="/places/$id" params={{ id }}>
            {name}
          </Link>
          <span className="sn-dim">{level === null ? t(`kind_${kind}`) : t("onLevel", { level })}</span>
        </span>
        <span className={`sn-num ${classes["counts"] ?? ""}`}>
          {inner !== null && children.length > 0 && <span>{t(`count_${inner}`, { count: children.length })}</span>}
          <span data-none={devices === 0 || undefined}>{t("count_device", { count: devices })}</span>
          {plan !== null && (
            <span>
              <Plan size={14} aria-hidden />
              {t("plan")}
            </span>
          )}
        </span>
        {mayChange && (
          <span className={classes["deeds"]}>
            {inner !== null && deed("add", t(`add_${inner}`), t(`addIn_${inner}`, { name }))}
            {deed("change", t("change"), t("changeNamed", { name }))}
            {deed("delete", t("delete"), t("deleteNamed", { name }))}
          </span>
        )}
      </div>
      {isOpen && children.length > 0 && (
        <Branches branches={children} mayChange={mayChange} onDeed={onDeed} label={t("within", { name })} />
      )}
    </li>
  );
}
