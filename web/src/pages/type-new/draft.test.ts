import { expect, it } from "vitest";
import type { DeviceType, TypeDefinition } from "@/api/queries";
import type { WholeSubmission } from "@/api/submissions";
import { basisOf, draftOf, emptyField, requestOf, wrongBounds } from "./draft";

const definition: TypeDefinition = {
  name: "Soil probe",
  description: "Reads a probe.",
  table: "soil",
  decoder: "auto",
  fields: [
    { name: "moisture", display_name: "Moisture", unit: "%", min: 0, max: 100 },
    { name: "raw", display_name: "", unit: "", min: null, max: null },
  ],
};

const type: DeviceType = {
  id: "01a21f8e-710c-7538-819a-36b23c9c2265",
  version: 3,
  created_at: "2026-11-28T00:00:00.000Z",
  ...definition,
};

const submission = (of: WholeSubmission["definition"], subject = type.id): WholeSubmission => ({
  id: "01a21f8e-7119-72f4-9824-ed0a9b8ab2fa",
  kind: "type",
  subject,
  version: 1,
  title: type.name,
  status: "returned",
  author: "grace",
  own: true,
  submitted_at: "2026-11-28T00:00:00.000Z",
  reviewer: null,
  reviewed_at: null,
  reason: null,
  base_version: null,
  definition: of,
  changes: null,
  comments: [],
});

it("sends what it began with when nothing was changed", () => {
  expect(requestOf(draftOf(type), { id: type.id, version: 3 })).toEqual({ id: type.id, version: 3, definition });
});

it("begins with nothing, a type, or an earlier submission", () => {
  expect(basisOf([type], {})).toEqual({});
  expect(basisOf([type], { type: type.id })).toEqual({ id: type.id, version: 3, definition: type });
  expect(basisOf([], { type: type.id })).toBe(null);
  // Its type was made or not.
  expect(basisOf([type], { submission: submission({ type: definition }) })).toEqual({ id: type.id, version: 3, definition });
  expect(basisOf([], { submission: submission({ type: definition }) })).toEqual({ id: type.id, definition });
});

it("makes no type of a template", () => {
  const template = {
    id: "soil-probe",
    version: 1,
    title: "Soil probe",
    hardware: "Any",
    language: "text" as const,
    description: "",
    shipped: false,
    variables: [],
    files: [],
    sources: [],
  };
  expect(basisOf([type], { submission: submission({ template }, "soil-probe") })).toBe(null);
});

it("knows which bounds are no numbers, and sends the others as numbers", () => {
  const field = { ...emptyField(), name: " t ", min: "-5.5", max: " " };
  expect(wrongBounds(field)).toEqual([]);
  expect(wrongBounds({ ...field, min: "cold", max: "1,5" })).toEqual(["min", "max"]);
  const draft = { ...draftOf(), name: " Probe ", table: "soil", decoder: "none" as const, fields: [field, emptyField()] };
  expect(requestOf(draft, {})).toEqual({
    definition: {
      name: "Probe",
      table: "soil",
      decoder: null,
      description: "",
      fields: [{ name: "t", display_name: "", unit: "", min: -5.5, max: null }],
    },
  });
});
