/** A type as it is suggested: what the fields hold, and what is sent of them. */
import type { DeviceType, TypeDefinition } from "@/api/queries";
import { type TypeRequest, typeIn, type WholeSubmission } from "@/api/submissions";

/** What can understand the messages of devices; none is none. */
export const DECODERS = ["none", "auto", "json", "line_protocol"] as const;

/** Something that is measured, as its fields hold it. */
export interface FieldDraft {
  /** Tells it from the others while its name changes. */
  key: number;
  name: string;
  displayName: string;
  unit: string;
  min: string;
  max: string;
}

/** All of it. */
export interface TypeDraft {
  name: string;
  table: string;
  decoder: (typeof DECODERS)[number];
  description: string;
  fields: FieldDraft[];
}

/** What a suggestion is about, and what its form begins with. */
export interface Basis {
  /** The type that it changes, or that an earlier submission is to make; absent for a new one. */
  id?: string;
  /** The version of the type that it changes; absent if there is no such type. */
  version?: number;
  definition?: TypeDefinition;
}

let keys = 0;
const nextKey = () => (keys += 1);

/** A field with nothing in it. */
export function emptyField(): FieldDraft {
  return { key: nextKey(), name: "", displayName: "", unit: "", min: "", max: "" };
}

/** What a suggestion begins with: a submission, a type, or nothing; null if what it was to begin with is no type or is gone. */
export function basisOf(
  types: readonly DeviceType[],
  { submission, type }: { submission?: WholeSubmission | undefined; type?: string | undefined },
): Basis | null {
  if (submission !== undefined) {
    const definition = typeIn(submission);
    if (definition === undefined) return null;
    const known = types.find(({ id }) => id === submission.subject);
    return { id: submission.subject, ...(known === undefined ? {} : { version: known.version }), definition };
  }
  if (type === undefined) return {};
  const known = types.find(({ id }) => id === type);
  return known === undefined ? null : { id: known.id, version: known.version, definition: known };
}

/** Where one begins. */
export function draftOf(definition?: TypeDefinition): TypeDraft {
  if (definition === undefined) return { name: "", table: "", decoder: "auto", description: "", fields: [emptyField()] };
  const { name, table, decoder, description = "", fields = [] } = definition;
  return {
    name,
    table,
    decoder: decoder ?? "none",
    description,
    fields: fields.map(({ name: column, display_name: displayName = "", unit = "", min, max }) => ({
      key: nextKey(),
      name: column,
      displayName,
      unit,
      min: min == null ? "" : String(min),
      max: max == null ? "" : String(max),
    })),
  };
}

const isNumber = (text: string) => text.trim() === "" || Number.isFinite(Number(text));

/** Which bounds of a field are no numbers. */
export function wrongBounds({ min, max }: FieldDraft): ("min" | "max")[] {
  const texts = { min, max };
  return (["min", "max"] as const).filter((bound) => !isNumber(texts[bound]));
}

/** What is sent. A field without anything in it is left out. */
export function requestOf(draft: TypeDraft, { id, version }: Basis): TypeRequest {
  const bound = (text: string) => (text.trim() === "" ? null : Number(text));
  const isFilled = ({ name, displayName, unit, min, max }: FieldDraft) => `${name}${displayName}${unit}${min}${max}`.trim() !== "";
  const definition: TypeDefinition = {
    name: draft.name.trim(),
    table: draft.table.trim(),
    decoder: draft.decoder === "none" ? null : draft.decoder,
    description: draft.description.trim(),
    fields: draft.fields.filter(isFilled).map(({ name, displayName, unit, min, max }) => ({
      name: name.trim(),
      display_name: displayName.trim(),
      unit: unit.trim(),
      min: bound(min),
      max: bound(max),
    })),
  };
  return { ...(id === undefined ? {} : { id }), ...(version === undefined ? {} : { version }), definition };
}
