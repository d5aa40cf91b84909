/** A result as lines over time, and the choice of what is drawn. */
import { Chip, Group, NativeSelect } from "@mantine/core";
import { ChartLine } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ChartSeries, TimeChart } from "@/charts";
import { EmptyState } from "@/shell/EmptyState";
import type { Result } from "@/sql/result";
import classes from "./ResultChart.module.css";
import { SERIES_LIMIT, shapeChart } from "./shape";

export interface ChartChoice {
  x?: string | undefined;
  y?: string[] | undefined;
  split?: string | undefined;
}

export interface ResultChartProps {
  result: Result;
  choice: ChartChoice;
  onChoose: (choice: ChartChoice) => void;
}

const NOT_SPLIT = "-";

export function ResultChart({ result, choice, onChoose }: ResultChartProps) {
  const { t } = useTranslation("explore");
  const { x, y, split } = choice;
  const shape = useMemo(() => shapeChart(result, { x, y, split }), [result, x, y, split]);
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  if (shape.x === null || shape.y.length === 0) {
    return (
      <div className={classes["chart"]}>
        <EmptyState
          icon={ChartLine}
          title={t("chart.none")}
          description={t(shape.x === null ? "chart.noTime" : "chart.noNumber")}
        />
      </div>
    );
  }
  const height = shape.panels.length > 1 ? 200 : 340;
  const choices = shape.times.length > 1 || shape.numbers.length > 1 || shape.tags.length > 0;
  return (
    <div className={classes["chart"]}>
      {choices && (
        <div className={classes["choices"]}>
          {shape.times.length > 1 && (
            <NativeSelect
              size="xs"
              label={t("chart.x")}
              value={shape.x}
              data={[...shape.times]}
              onChange={(event) => {
                onChoose({ x: event.currentTarget.value });
              }}
            />
          )}
          {shape.numbers.length > 1 && (
            <fieldset className={classes["fields"]}>
              <legend>{t("chart.y")}</legend>
              <Chip.Group
                multiple
                value={[...shape.y]}
                onChange={(chosen) => {
                  const all = chosen.length === 0 || chosen.length === shape.numbers.length;
                  onChoose({ y: all ? undefined : shape.numbers.filter((name) => chosen.includes(name)) });
                }}
              >
                <Group gap={4}>
                  {shape.numbers.map((name) => (
                    <Chip key={name} value={name} size="xs" radius="sm" variant="outline">
                      {name}
                    </Chip>
                  ))}
                </Group>
              </Chip.Group>
            </fieldset>
          )}
          {shape.tags.length > 0 && (
            <NativeSelect
              size="xs"
              label={t("chart.split")}
              value={shape.split ?? NOT_SPLIT}
              data={[{ value: NOT_SPLIT, label: t("chart.notSplit") }, ...shape.tags]}
              onChange={(event) => {
                onChoose({ split: event.currentTarget.value });
              }}
            />
          )}
        </div>
      )}
      {shape.panels.map((panel, place) => {
        // A line keeps its colour whichever panel it is in.
        const first = shape.panels.slice(0, place).reduce((count, before) => count + before.labels.length, 0);
        const alone = panel.labels.length === 1;
        // No fill: the axis follows the values, and an area says "from zero".
        const series = panel.labels.map((name, index): ChartSeries => ({ label: name, color: first + index }));
        const label = alone ? (panel.labels[0] ?? "") : shape.y.join(", ");
        return (
          <div key={panel.labels.join("\n")} className={classes["panel"]}>
            <TimeChart
              label={label}
              data={panel.data}
              series={series}
              unit="number"
              height={height}
              span={zoom}
              syncKey="explore"
              onZoom={setZoom}
            />
            {panel.left > 0 && (
              <p className={classes["left"]}>{t("chart.left", { count: panel.left, shown: SERIES_LIMIT })}</p>
            )}
          </div>
        );
      })}
    </div>
  );
}
