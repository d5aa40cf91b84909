/** Charts, gauges and the other instruments of the page. */
export { Age, freshness } from "./Age";
export { align, type Aligned, type Cell, EMPTY, type Points, usualGap } from "./align";
export { plain, reading, spoken, type Unit, unitOf } from "./format";
export { Gauge } from "./Gauge";
export { useNow, useNowAs } from "./now";
export type { ChartSeries } from "./options";
export { Sparkline } from "./Sparkline";
export { moment, timeOfDay } from "./ticks";
export { TimeChart } from "./TimeChart";
