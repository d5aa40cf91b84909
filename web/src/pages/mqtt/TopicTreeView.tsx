/**
 * The tree of topics on the screen, after the ARIA practices of a tree view: one stop of the Tab key, inside of which keys move
 * the active row. By hand and not Mantine's, whose rows no key selects, and which draws all of them; here only the rows in sight
 * are in the page. The focus stays on the tree, which names the active row, so that a row that moves does not take it along.
 */
import { Button, Group } from "@mantine/core";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight } from "lucide-react";
import { type CSSProperties, type KeyboardEvent, type MouseEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNow } from "@/charts";
import { moveOf, type Row } from "./rows";
import { Branch } from "./TopicRow";
import classes from "./tree.module.css";

/** Properties of {@link TopicTreeView}. */
export interface TopicTreeViewProps {
  rows: readonly Row[];
  selected: string | undefined;
  /** Opens or closes a level. */
  onTurn: (path: string) => void;
  /** Opens or closes all. */
  onTurnAll: (isOpen: boolean) => void;
  onSelect: (path: string) => void;
}

/** Of a row, before it is measured. */
const ROW_PX = 28;

/** The rows and what stands above them. */
export function TopicTreeView({ rows, selected, onTurn, onTurnAll, onSelect }: TopicTreeViewProps) {
  const { t } = useTranslation("mqtt");
  const now = useNow();
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [activePath, setActive] = useState<string | null>(null);
  const indexOf = (path: string | null | undefined) => rows.findIndex(({ node }) => node.path === path);
  const active = [indexOf(activePath), indexOf(selected), 0].find((index) => index !== -1) ?? 0;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer is read in this component only
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.node.id ?? index,
    overscan: 8,
    useFlushSync: false,
    // What the tree names as active must be in the page.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), active])].sort((one, other) => one - other),
  });
  const go = (index: number) => {
    const path = rows[index]?.node.path;
    if (path === undefined) return;
    setActive(path);
    virtual.scrollToIndex(index);
  };
  const turn = (index: number) => {
    const row = rows[index];
    if (row !== undefined && row.isOpen !== null) onTurn(row.node.path);
  };
  const select = (index: number) => {
    const path = rows[index]?.node.path;
    if (path === undefined) return;
    setActive(path);
    onSelect(path);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const move = moveOf(rows, active, event.key);
    if (move === null) return;
    event.preventDefault();
    if ("to" in move) go(move.to);
    else if ("turn" in move) turn(move.turn);
    else select(move.select);
  };
  const onClick = (event: MouseEvent) => {
    if (!(event.target instanceof Element)) return;
    const index = Number(event.target.closest<HTMLElement>("[data-index]")?.dataset["index"] ?? NaN);
    const row = rows[index];
    if (row === undefined) return;
    if (event.target.closest("[data-turn]") !== null) {
      setActive(row.node.path);
      turn(index);
    } else select(index);
  };
  return (
    <section className={`sn-panel ${classes["panel"] ?? ""}`} aria-label={t("tree")}>
      <Group gap="sm" className={classes["deeds"] ?? ""}>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          onClick={() => {
            onTurnAll(true);
          }}
        >
          {t("openAll")}
        </Button>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          onClick={() => {
            onTurnAll(false);
          }}
        >
          {t("closeAll")}
        </Button>
      </Group>
      {/* Each row says these words for itself. */}
      <div className={`${classes["columns"] ?? ""} ${classes["heads"] ?? ""}`} aria-hidden>
        <span>{t("topic")}</span>
        <span>{t("lastMessage")}</span>
        <span>{t("messages")}</span>
        <span>{t("rate")}</span>
        <span>{t("age")}</span>
      </div>
      <div
        ref={box}
        role="tree"
        tabIndex={0}
        aria-label={t("tree")}
        aria-activedescendant={`${id}${rows[active]?.node.id ?? ""}`}
        className={classes["tree"]}
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        <div role="presentation" className={classes["rows"]} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const { node, depth, place, among, isOpen } = row;
            const Chevron = isOpen === true ? ChevronDown : ChevronRight;
            return (
              <div
                key={node.id}
                ref={virtual.measureElement}
                id={`${id}${node.id}`}
                role="treeitem"
                aria-level={depth}
                aria-posinset={place}
                aria-setsize={among}
                aria-selected={node.path === selected}
                {...(isOpen === null ? {} : { "aria-expanded": isOpen })}
                data-index={index}
                data-active={index === active || undefined}
                className={`${classes["columns"] ?? ""} ${classes["row"] ?? ""}`}
                style={{ transform: `translateY(${start}px)`, "--depth": depth - 1 } as CSSProperties}
              >
                <Branch node={node} now={now}>
                  <span className={classes["turn"]} data-turn={isOpen === null ? undefined : ""}>
                    {isOpen !== null && <Chevron size={16} aria-hidden />}
                  </span>
                </Branch>
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
