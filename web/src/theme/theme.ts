/**
 * The Mantine theme: sizes on a 4 px grid, 13 px text, rows of 28 px that become 44 px on touch (the CSS
 * variable `--sn-row`), hairlines instead of shadows, and the palette as CSS variables `--sn-<role>` and
 * `--sn-series-1` … `--sn-series-8`.
 */
import {
  ActionIcon,
  Button,
  createTheme,
  type CSSVariablesResolver,
  Input,
  type MantineColorsTuple,
} from "@mantine/core";
import { accentSteps, darkSteps, roles, type Scheme, seriesColors } from "./palette";

const fontFamily = '"Inter Variable", system-ui, sans-serif';
const fontFamilyMonospace = '"JetBrains Mono Variable", ui-monospace, monospace';
const row = "var(--sn-row)";

/** The theme of the whole page. */
export const theme = createTheme({
  fontFamily,
  fontFamilyMonospace,
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 7 },
  colors: { accent: accentSteps, dark: darkSteps } satisfies Record<string, MantineColorsTuple>,
  fontSizes: { xs: "0.6875rem", sm: "0.8125rem", md: "0.8125rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.5" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  radius: { xs: "2px", sm: "3px", md: "4px", lg: "6px", xl: "8px" },
  defaultRadius: "sm",
  shadows: { xs: "none", sm: "none", md: "none", lg: "none", xl: "none" },
  headings: {
    fontFamily,
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.4" },
      h2: { fontSize: "1rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Input: Input.extend({
      vars: (_theme, { multiline }) => ({
        wrapper:
          multiline === true
            ? {
                "--input-height": "auto",
                "--input-size": "auto",
                "--input-padding-y": "4px",
                "--input-padding-inline-start": `calc(${row} / 3)`,
                "--input-padding-inline-end": `calc(${row} / 3)`,
              }
            : { "--input-height": row, "--input-size": row },
      }),
    }),
    // Named, not imported: the shell does not carry what only some pages use.
    PasswordInput: { defaultProps: { autoCapitalize: "none" } },
    Menu: { styles: { item: { minHeight: row } } },
    // A dialog's heading is not the banner of the page.
    Modal: { defaultProps: { attributes: { header: { role: "none" } } } },
    Button: Button.extend({ vars: () => ({ root: { "--button-height": row, "--button-padding-x": "12px" } }) }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: "subtle", color: "gray" },
      vars: () => ({ root: { "--ai-size": row } }),
    }),
    Tabs: { styles: { tab: { minHeight: row, paddingBlock: 0 } } },
    SegmentedControl: { defaultProps: { radius: "sm" } },
  },
});

function variables(scheme: Scheme): Record<string, string> {
  const colors = roles[scheme];
  const own = Object.entries(colors).map(([role, color]) => [`--sn-${role}`, color]);
  const series = seriesColors[scheme].map((color, index) => [`--sn-series-${index + 1}`, color]);
  return {
    ...(Object.fromEntries([...own, ...series]) as Record<string, string>),
    "--mantine-color-body": colors.page,
    "--mantine-color-text": colors.text,
    "--mantine-color-dimmed": colors.dim,
    "--mantine-color-default": colors.surface,
    "--mantine-color-default-hover": colors.raised,
    "--mantine-color-default-border": colors.hairline,
    "--mantine-color-default-color": colors.text,
    "--mantine-color-anchor": colors.accent,
    "--mantine-color-error": colors.danger,
    "--mantine-color-placeholder": colors.dim,
    "--mantine-color-gray-light-color": colors.text,
    "--mantine-color-accent-light-color": colors.accent,
    "--mantine-color-accent-text": colors.accent,
    "--mantine-color-accent-outline": colors.accent,
  };
}

/** Turns the palette into CSS variables of both schemes. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: variables("light"),
  dark: variables("dark"),
});
