import { expect, it } from "vitest";
import type { AdoptedDevice } from "@/api/inbox";
import { outcome } from "./outcome";

const all: AdoptedDevice = { device: "d", name: "Roof", stored: 2, refused: 0, reason: null, complete: true };
const keys = (given: Partial<AdoptedDevice>) => outcome({ ...all, ...given }).map(({ key }) => key);

it("says what became of what was kept", () => {
  expect(keys({})).toEqual(["adopted", "stored"]);
  expect(keys({ refused: 1, reason: "no field" })).toEqual(["adopted", "stored", "refused", "because"]);
  expect(keys({ stored: 0, refused: 3, reason: "no field" })).toEqual(["adopted", "refused", "because"]);
  expect(keys({ stored: 0 })).toEqual(["adopted", "nothingKept"]);
});

it("does not say that all is stored when it is not", () => {
  expect(keys({ complete: false, reason: "the disk is full" })).toEqual(["adopted", "stored", "follows", "because"]);
  expect(keys({ stored: 0, complete: false })).toEqual(["adopted", "follows"]);
});
