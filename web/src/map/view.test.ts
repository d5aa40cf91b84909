import { expect, it } from "vitest";
import { around, degrees, textOf, viewOf, WORLD, wrapped } from "./view";

it("reads a part of the world from an address, and nothing else", () => {
  expect(viewOf("48.2,16.4,7")).toEqual({ latitude: 48.2, longitude: 16.4, zoom: 7 });
  for (const wrong of ["48.2,16.4", "91,0,1", "0,181,1", "0,0,99", "0,0,-1", "a,b,c", ",,", "", 7, undefined, "1,2,3,4"]) {
    expect(viewOf(wrong)).toBeNull();
  }
});

it("writes what it reads, without more digits than one sees", () => {
  expect(textOf({ latitude: 48.208_174, longitude: 16.373_819, zoom: 7.04 })).toBe("48.2082,16.3738,7");
  expect(textOf({ latitude: 20, longitude: 370, zoom: 0 })).toBe("20,10,0");
  expect(viewOf(textOf(WORLD))).toEqual(WORLD);
});

it("goes round the world", () => {
  expect([wrapped(190), wrapped(-190), wrapped(16), wrapped(540)]).toEqual([-170, 170, 16, -180]);
});

it("shows all points, and one not too closely", () => {
  expect(around([], 800, 600)).toEqual(WORLD);
  expect(around([{ latitude: 48, longitude: 16 }], 800, 600)).toEqual({ latitude: 48, longitude: 16, zoom: 6 });
  const { latitude, longitude, zoom } = around([{ latitude: -30, longitude: -100 }, { latitude: 50, longitude: 100 }], 800, 600);
  expect([latitude, longitude]).toEqual([10, 0]);
  expect(zoom).toBeGreaterThan(0.5);
  expect((200 / 360) * 512 * 2 ** zoom).toBeLessThan(800);
});

it("fills in degrees to a metre", () => {
  expect([degrees(48.208_174_123), degrees(-0.000_001), degrees(16)]).toEqual(["48.20817", "0", "16"]);
});
