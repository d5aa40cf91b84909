import { expect, it } from "vitest";
import type { WholeTemplate } from "@/api/submissions";
import { draftOf, draftOfVariable, emptyVariable, jsonOf, listIn, requestOf, variableOf, wrongNumbers } from "./draft";

const base: WholeTemplate = {
  id: "soil-probe",
  version: 3,
  title: "Soil probe",
  hardware: "ESP32-C3",
  language: "micropython",
  description: "Reads a probe.",
  shipped: false,
  files: ["main.py"],
  variables: [
    { name: "device", label: "Name", help: "", kind: { type: "text", max_characters: 40, multiline: false }, default: null, required: true },
    { name: "pin", label: "Pin", help: "GPIO", kind: { type: "integer", min: 0, max: 21 }, default: 3, required: false },
    { name: "led", label: "Lamp", help: "", kind: { type: "boolean" }, default: false, required: false },
    { name: "every", label: "Every", help: "", kind: { type: "duration", min_seconds: 1, max_seconds: 60 }, default: 10, required: false },
    {
      name: "unit",
      label: "Unit",
      help: "",
      kind: { type: "choice", options: [{ value: "c", label: "Celsius" }, { value: "k", label: "k" }] },
      default: "c",
      required: false,
    },
  ],
  sources: [{ name: "main.py", body: "x = 1\n" }],
};

it("sends what it began with when nothing was changed", () => {
  const { id, title, hardware, language, description, variables, sources } = base;
  expect(requestOf(draftOf(base))).toEqual({ id, title, hardware, language, description, variables, files: sources });
});

it("begins without an id beside a template that comes with Sensorium", () => {
  expect(draftOf({ ...base, shipped: true }).id).toBe("");
  expect(draftOf().files).toHaveLength(1);
});

it("reads numbers as numbers, options by line, and leaves the rest to the server", () => {
  const draft = { ...emptyVariable(), name: " port ", type: "port" as const, standard: "eighty" };
  expect(variableOf(draft)).toMatchObject({ name: "port", kind: { type: "port" }, default: "eighty" });
  expect(variableOf({ ...draft, standard: " 80 " }).default).toBe(80);
  expect(variableOf({ ...draft, type: "boolean", standard: "" }).default).toBe(null);
  expect(variableOf({ ...draft, type: "choice", options: "a = A = B\n\nb" }).kind).toEqual({
    type: "choice",
    options: [
      { value: "a", label: "A = B" },
      { value: "b", label: "b" },
    ],
  });
});

it("knows which numbers are none", () => {
  expect(wrongNumbers({ ...emptyVariable(), maxCharacters: "many" })).toEqual(["maxCharacters"]);
  expect(wrongNumbers({ ...emptyVariable(), type: "integer", min: "-4", max: "" })).toEqual(["max"]);
  expect(wrongNumbers({ ...emptyVariable(), type: "duration", min: "-4" })).toEqual(["min"]);
  expect(wrongNumbers({ ...emptyVariable(), type: "host", min: "x", maxCharacters: "" })).toEqual([]);
});

it("goes from fields to JSON and back, and says what is no list", () => {
  const { variables } = draftOf(base);
  const read = listIn(jsonOf(variables));
  expect("list" in read && read.list.map(draftOfVariable).map(variableOf)).toEqual(base.variables);
  expect(listIn("{}")).toEqual({ problem: null });
  expect(listIn("[1,")).toMatchObject({ problem: expect.stringContaining("JSON") as string });
  expect(draftOfVariable([7])).toMatchObject({ name: "", type: "text" });
  expect(requestOf(draftOf(base), [7]).variables).toEqual([7]);
});
