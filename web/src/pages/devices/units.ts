/** Units as people write them; the registry has UCUM codes. */

const signs: Readonly<Record<string, string>> = {
  Cel: "°C",
  "[degF]": "°F",
  deg: "°",
  Ohm: "Ω",
  ug: "µg",
  um: "µm",
  us: "µs",
  "ug/m3": "µg/m³",
  m2: "m²",
  m3: "m³",
  "m/s2": "m/s²",
  "[ppm]": "ppm",
  "[ppb]": "ppb",
  "dB[SPL]": "dB",
  uT: "µT",
};

/** The sign of a UCUM code; a code that is not known stands for itself. */
export function unitSign(code: string | undefined): string {
  return code === undefined ? "" : (signs[code] ?? code);
}
