import { describe, expect, it } from "vitest";
import { type Role, roles, type Scheme, seriesColors } from "./palette";

type Rgb = readonly [number, number, number];

function linear(hex: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function luminance(hex: string): number {
  const [r, g, b] = linear(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

// Machado, Oliveira, Fernandes 2009, severity 1.0.
const vision: Record<string, readonly [Rgb, Rgb, Rgb]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function seen(hex: string, [r, g, b]: readonly [Rgb, Rgb, Rgb]): Rgb {
  const c = linear(hex);
  const row = (weights: Rgb) =>
    Math.min(1, Math.max(0, weights[0] * c[0] + weights[1] * c[1] + weights[2] * c[2]));
  return oklab([row(r), row(g), row(b)]);
}

const schemes: Scheme[] = ["light", "dark"];
const words: Role[] = ["text", "dim", "accent", "ok", "warning", "danger"];
const grounds: Role[] = ["page", "surface", "raised"];

describe.each(schemes)("the %s palette", (scheme) => {
  it.each(words.flatMap((word) => grounds.map((ground) => [word, ground] as const)))(
    "has readable %s on %s",
    (word, ground) => {
      expect(contrast(roles[scheme][word], roles[scheme][ground])).toBeGreaterThanOrEqual(4.5);
    },
  );

  it("has series colours that stand out from the surface", () => {
    const weakest = Math.min(...seriesColors[scheme].map((color) => contrast(color, roles[scheme].surface)));
    expect(weakest).toBeGreaterThanOrEqual(3);
  });

  it.each(Object.keys(vision))("keeps all pairs of series colours apart with %s", (kind) => {
    const matrix = vision[kind];
    if (!matrix) throw new Error(kind);
    const colors = seriesColors[scheme].map((hex) => ({ hex, lab: seen(hex, matrix) }));
    const close = colors.flatMap((a, i) =>
      colors
        .slice(i + 1)
        .map((b) => ({
          pair: `${a.hex} ${b.hex}`,
          distance: Math.hypot(...a.lab.map((value, axis) => value - (b.lab[axis] ?? 0))),
        }))
        .filter(({ distance }) => distance < 0.06),
    );
    expect(close).toEqual([]);
  });
});
