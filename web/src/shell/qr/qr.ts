/** A QR code as an outline to fill. */
import { encode } from "uqr";

/** Modules of light around it, as ISO 18004 wants them. */
const QUIET = 4;

/** A QR code. */
export interface QrDrawing {
  /** Width and height in modules, with the quiet zone. */
  size: number;
  /** The dark modules as the path of an SVG, one module long per unit. */
  path: string;
}

/** Draws a text. */
export function qrDrawing(text: string): QrDrawing {
  const { size, data } = encode(text, { ecc: "M", border: QUIET });
  return { size, path: outline(data) };
}

/** One rectangle for each run of dark modules in a row. */
export function outline(rows: readonly (readonly boolean[])[]): string {
  let path = "";
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue;
      let end = x;
      while (row[end] === true) end += 1;
      path += `M${String(x)} ${String(y)}h${String(end - x)}v1h-${String(end - x)}z`;
      x = end;
    }
  }
  return path;
}
