/**
 * Every colour of the page. Graphite and paper are equals: each role has a value in both schemes, and
 * `palette.test.ts` checks contrast and that the series colours stay apart for colour-blind people.
 */

/** The two looks of the page. */
export type Scheme = "light" | "dark";

/** What a colour is for; never name a colour by its hue. */
export type Role =
  | "page"
  | "surface"
  | "raised"
  | "hairline"
  | "text"
  | "dim"
  | "accent"
  | "grid"
  | "ok"
  | "warning"
  | "danger";

/** The colour of each role in each scheme. */
export const roles: Record<Scheme, Record<Role, string>> = {
  light: {
    page: "#f7f6f2",
    surface: "#ffffff",
    raised: "#f0eee8",
    hairline: "#dcd9d0",
    text: "#1d2125",
    dim: "#596169",
    accent: "#0b756b",
    grid: "#e8e5dd",
    ok: "#22713f",
    warning: "#8a5a00",
    danger: "#b3261e",
  },
  dark: {
    page: "#14171a",
    surface: "#1a1e22",
    raised: "#23282d",
    hairline: "#31373d",
    text: "#e6e9ec",
    dim: "#9ba5ae",
    accent: "#3ecab8",
    grid: "#262b30",
    ok: "#6fcf8e",
    warning: "#f0b429",
    danger: "#ff8a80",
  },
};

/**
 * Eight series colours per scheme, in the order they are handed out. Position n means the same hue in both
 * schemes, so a series keeps its identity when the scheme changes.
 */
export const seriesColors: Record<Scheme, readonly string[]> = {
  light: ["#006bbb", "#cb6e00", "#10a379", "#b93b78", "#81650f", "#97140c", "#4933bf", "#3f4d54"],
  dark: ["#56abe6", "#fdbb49", "#34d2a1", "#d37db2", "#ecff57", "#f37b52", "#7584f4", "#bcc5d7"],
};

/** Greys of the dark look, from text to ground, as Mantine wants them. */
export const darkSteps = [
  "#e6e9ec",
  "#c9d0d6",
  "#9ba5ae",
  "#6b757e",
  "#31373d",
  "#2a3036",
  "#1a1e22",
  "#14171a",
  "#101315",
  "#0b0d0f",
] as const;

/** The accent from its lightest to its darkest step, as Mantine wants it. */
export const accentSteps = [
  "#e6f7f5",
  "#cdeeea",
  "#9cded6",
  "#66ccc0",
  "#3ecab8",
  "#1fa898",
  "#138c7e",
  "#0b756b",
  "#085e56",
  "#05453f",
] as const;
