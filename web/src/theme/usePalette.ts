/** The palette as plain strings, for what cannot use CSS variables: a canvas. */
import { useComputedColorScheme } from "@mantine/core";
import { type Role, roles, type Scheme, seriesColors } from "./palette";

/** Colours of the scheme that is on now. */
export interface Palette {
  scheme: Scheme;
  roles: Record<Role, string>;
  /** Eight colours; hand them out by position, modulo 8. */
  series: readonly string[];
}

const palettes: Record<Scheme, Palette> = {
  light: { scheme: "light", roles: roles.light, series: seriesColors.light },
  dark: { scheme: "dark", roles: roles.dark, series: seriesColors.dark },
};

/** The palette of the scheme that is on now; the same object until the scheme changes. */
export function usePalette(): Palette {
  return palettes[useComputedColorScheme("light")];
}
