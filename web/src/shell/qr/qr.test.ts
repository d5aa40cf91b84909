import { encode } from "uqr";
import { expect, it } from "vitest";
import { outline, qrDrawing } from "./qr";

/** Fills the rectangles of an outline. */
function filled(path: string, size: number): boolean[][] {
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = Number(x); at < Number(x) + Number(width); at += 1) {
      const row = rows[Number(y)];
      if (row) row[at] = true;
    }
  }
  return rows;
}

it("draws each dark module once, with the quiet zone around", () => {
  const text = "otpauth://totp/Lab:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Lab&algorithm=SHA1&digits=6&period=30";
  const { size, path } = qrDrawing(text);
  expect(filled(path, size)).toEqual(encode(text, { ecc: "M", border: 4 }).data);
  expect(path).not.toMatch(/M[0-3] |M\d+ [0-3]h/);
});

it("draws runs, single modules and the last of a row", () => {
  expect(outline([[true, true, false, true]])).toBe("M0 0h2v1h-2zM3 0h1v1h-1z");
  expect(outline([[false], [true]])).toBe("M0 1h1v1h-1z");
});
