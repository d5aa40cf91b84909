/** A result as columns of plain values: times and numbers as numbers, everything else as text. */
import { type Column, DateUnit, type DataType, type Table, Type } from "@uwdata/flechette";

/** What a column holds: decides how it is shown and whether it can be an axis or a line. */
export type Kind = "time" | "number" | "boolean" | "text";

export interface ResultColumn {
  readonly name: string;
  readonly kind: Kind;
  /** The type's name in SQL's words, for the head of the table. */
  readonly type: string;
  /** One value a row: milliseconds for `time`, null where there is none. */
  readonly values: ArrayLike<number | string | boolean | null>;
}

export interface Result {
  readonly columns: readonly ResultColumn[];
  readonly rows: number;
  /** Size of the answer. */
  readonly bytes: number;
}

export function resultOf(table: Table, bytes: number): Result {
  const columns = table.schema.fields.map((field, index): ResultColumn => {
    const type = valueType(field.type);
    const kind = kindOf(type);
    const column = table.getChildAt<unknown>(index);
    return { name: field.name, kind, type: typeName(type), values: valuesOf(column, type, kind) };
  });
  return { columns, rows: table.numRows, bytes };
}

/** The numbers of a column; NaN where there is none. */
export function numbersOf(column: ResultColumn): Float64Array {
  const numbers = new Float64Array(column.values.length);
  for (let row = 0; row < numbers.length; row += 1) {
    const value = column.values[row];
    numbers[row] = typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : NaN;
  }
  return numbers;
}

function valueType(type: DataType): DataType {
  return type.typeId === Type.Dictionary ? valueType(type.dictionary) : type;
}

function kindOf(type: DataType): Kind {
  switch (type.typeId) {
    case Type.Timestamp:
    case Type.Date:
      return "time";
    case Type.Int:
    case Type.Float:
    case Type.Decimal:
      return "number";
    case Type.Bool:
      return "boolean";
    default:
      return "text";
  }
}

function typeName(type: DataType): string {
  switch (type.typeId) {
    case Type.Timestamp:
      return "timestamp";
    case Type.Date:
      return "date";
    case Type.Int:
      return type.signed ? "integer" : "unsigned";
    case Type.Float:
      return "float";
    case Type.Decimal:
      return "decimal";
    case Type.Bool:
      return "boolean";
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
      return "string";
    case Type.Null:
      return "null";
    default:
      return "other";
  }
}

function valuesOf(column: Column<unknown>, type: DataType, kind: Kind): ResultColumn["values"] {
  const values = column.toArray() as ArrayLike<unknown>;
  if (kind !== "text") {
    return type.typeId === Type.Date && type.unit === DateUnit.DAY
      ? numeric(values)
      : (values as ResultColumn["values"]);
  }
  const plain = type.typeId === Type.Utf8 || type.typeId === Type.LargeUtf8 || type.typeId === Type.Utf8View;
  return plain ? (values as ResultColumn["values"]) : Array.from(values, textOf);
}

function numeric(values: ArrayLike<unknown>): (number | null)[] {
  return Array.from(values, (value) => (value === null ? null : Number(value)));
}

/** Lists, structs and whatever else SQL can make, as text. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return part.toString();
    return ArrayBuffer.isView(part) ? Array.from(part as unknown as ArrayLike<unknown>) : part;
  });
}
