import { expect, it } from "vitest";
import { lengthIn, metresPerPixel, pixelsBetween, scaleBar } from "./scale";

const plan = { width: 1200, height: 800 };

it("makes a scale of a line and its length", () => {
  const [one, other] = [{ x: 0.25, y: 0.5 }, { x: 0.75, y: 0.5 }];
  expect(pixelsBetween(one, other, plan)).toBe(600);
  expect(metresPerPixel(one, other, plan, "6")).toBeCloseTo(0.01);
  expect(metresPerPixel(one, other, plan, " 7,5 ")).toBeCloseTo(0.0125);
  for (const wrong of ["", "0", "-1", "six", "1e99"]) expect(metresPerPixel(one, other, plan, wrong)).toBeNull();
  expect(metresPerPixel(one, one, plan, "6")).toBeNull();
  // The sides of a plan differ.
  expect(pixelsBetween({ x: 0, y: 0 }, { x: 0.25, y: 0.5 }, plan)).toBe(500);
});

it("draws a round length", () => {
  expect(scaleBar(0.01, 120)).toEqual({ metres: 1, pixels: 100 });
  expect(scaleBar(0.02, 120)).toEqual({ metres: 2, pixels: 100 });
  expect(scaleBar(0.05, 120).metres).toBe(5);
  expect(scaleBar(12, 120).metres).toBe(1_000);
});

it("says lengths as people do", () => {
  expect([lengthIn(0.5), lengthIn(20), lengthIn(2_000)]).toEqual([
    { value: 50, unit: "cm" },
    { value: 20, unit: "m" },
    { value: 2, unit: "km" },
  ]);
});
