import { expect, it } from "vitest";
import { clamped, fit, fractionAt, pinched, revealing, stepped, zoomed } from "./view";

const plan = { width: 1000, height: 500 };
const frame = { width: 524, height: 424 };

it("shows the whole plan in the middle", () => {
  expect(fit(plan, frame)).toEqual({ x: 12, y: 87, scale: 0.5 });
  expect(fit(plan, { width: 0, height: 0 }).scale).toBeGreaterThan(0);
});

it("keeps what is under the cursor where it is, also at the end of the way", () => {
  const at = { x: 200, y: 150 };
  const before = fit(plan, frame);
  for (const factor of [2, 1.3, 1_000, 0.9]) {
    const after = zoomed(before, factor, at, plan, frame);
    const [one, other] = [fractionAt(before, at, plan), fractionAt(after, at, plan)];
    expect(other.x).toBeCloseTo(one.x, 9);
    expect(other.y).toBeCloseTo(one.y, 9);
  }
  expect(zoomed(before, 1e9, at, plan, frame).scale).toBe(12);
  expect(zoomed(before, 1e-9, at, plan, frame).scale).toBe(0.25);
});

it("never loses the plan", () => {
  expect(clamped({ x: 9_999, y: -9_999, scale: 0.5 }, plan, frame)).toEqual({ x: 476, y: -202, scale: 0.5 });
});

it("follows two fingers", () => {
  const before = fit(plan, frame);
  const from = [{ x: 100, y: 200 }, { x: 200, y: 200 }] as const;
  const to = [{ x: 110, y: 220 }, { x: 310, y: 220 }] as const;
  const after = pinched(before, from, to, plan, frame);
  expect(after.scale).toBe(1);
  for (const finger of [0, 1] as const) {
    expect(fractionAt(after, to[finger], plan).x).toBeCloseTo(fractionAt(before, from[finger], plan).x, 9);
    expect(fractionAt(after, to[finger], plan).y).toBeCloseTo(fractionAt(before, from[finger], plan).y, 9);
  }
  // Fingers at one point do not divide by nothing.
  expect(pinched(before, [from[0], from[0]], from, plan, frame).scale).toBeLessThanOrEqual(12);
});

it("brings a point into sight, and moves nothing that is there", () => {
  const view = { x: -400, y: 0, scale: 1 };
  expect(revealing(view, { x: 0.6, y: 0.4 }, plan, frame)).toEqual(view);
  expect(revealing(view, { x: 0, y: 0.4 }, plan, frame)).toEqual({ x: 12, y: 0, scale: 1 });
  const whole = fit(plan, frame);
  for (const corner of [{ x: 0, y: 0 }, { x: 1, y: 1 }]) expect(revealing(whole, corner, plan, frame)).toEqual(whole);
});

it("moves a device in steps, on the plan", () => {
  expect(stepped({ x: 0.3, y: 0.995 }, -0.01, 0.01)).toEqual({ x: 0.29, y: 1 });
  expect(stepped({ x: 0.1, y: 0 }, 0.001, -0.5)).toEqual({ x: 0.101, y: 0 });
});

it("takes the nearest point of the plan", () => {
  expect(fractionAt(fit(plan, frame), { x: 0, y: 212 }, plan)).toEqual({ x: 0, y: 0.5 });
});
