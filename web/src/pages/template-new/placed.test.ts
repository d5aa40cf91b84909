import { expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { placed, problemsOf } from "./placed";

const problem = (place: string, text: string, line: number | null = null) => ({ place, line, text });

it("puts problems at facts, variables and files, and keeps the rest", () => {
  const found = placed(
    [
      problem("id", "is odd"),
      problem("id", "is taken"),
      problem('file "main \\"x\\".py"', "there is no filter", 3),
      problem('file "main \\"x\\".py", name', "is wrong", 1),
      problem('variable "pin", label', "is empty"),
      problem('variable "gone"', "is odd"),
      problem("files", "too many"),
    ],
    ['main "x".py'],
    ["pin"],
  );
  expect(found.id).toBe("Is odd");
  expect(found.files.get('main "x".py')).toEqual([
    { place: 'file "main \\"x\\".py"', line: 3, text: "There is no filter" },
    { place: 'file "main \\"x\\".py", name', line: null, text: "Name is wrong" },
  ]);
  expect(found.variables.get("pin")?.[0]?.text).toBe("Label is empty");
  expect(found.rest.map(({ place }) => place)).toEqual(['variable "gone"', "files"]);
});

it("reads what an answer lists, and nothing from another", () => {
  const listed = [{ place: "id", line: null, text: "is odd" }, { place: 1, text: "x" }, "nonsense", { place: "a", line: 4, text: "b" }];
  expect(problemsOf(new ApiError("…", 400, "invalid", { template_problems: listed }))).toEqual([
    problem("id", "is odd"),
    problem("a", "b", 4),
  ]);
  expect(problemsOf(new ApiError("…", 400, "invalid"))).toEqual([]);
  expect(problemsOf(null)).toEqual([]);
});
