import { expect, it } from "vitest";
import { parsed } from "./unified";

const text = `--- old/template
+++ new/template
@@ -1,2 +1,2 @@
 id: soil
-version: 1
+version: 2
--- old/main.py
+++ new/main.py
@@ -1,3 +1,3 @@
 a
--- old/trap
+++ new/trap
 c
@@ -9,1 +9,2 @@
 x
+@@ -1,1 +1,1 @@
--- /dev/null
+++ new/more.txt
@@ -0,0 +1,1 @@
+hello
--- old/gone.txt
+++ /dev/null
@@ -1,1 +0,0 @@
-bye
`;

it("reads parts, stretches and the numbers of lines", () => {
  const files = parsed(text);
  expect(files.map(({ name, kind }) => [name, kind])).toEqual([
    ["template", "changed"],
    ["main.py", "changed"],
    ["more.txt", "added"],
    ["gone.txt", "removed"],
  ]);
  expect(files[0]?.hunks).toEqual([
    [
      { kind: "kept", before: 1, after: 1, text: "id: soil" },
      { kind: "removed", before: 2, after: null, text: "version: 1" },
      { kind: "added", before: null, after: 2, text: "version: 2" },
    ],
  ]);
  expect(files[2]?.hunks[0]).toEqual([{ kind: "added", before: null, after: 1, text: "hello" }]);
});

it("takes no line of a file for the head of another", () => {
  const [, main] = parsed(text);
  expect(main?.hunks.map((hunk) => hunk.map((line) => line.text))).toEqual([
    ["a", "-- old/trap", "++ new/trap", "c"],
    ["x", "@@ -1,1 +1,1 @@"],
  ]);
  expect(main?.hunks[0]?.[3]).toMatchObject({ before: 3, after: 3 });
  expect(main?.hunks[1]?.[1]).toMatchObject({ before: null, after: 10 });
});

it("reads nothing from nothing, and stops where a text breaks off", () => {
  expect(parsed("")).toEqual([]);
  expect(parsed("--- old/a\n+++ new/a\n@@ -1,9 +1,9 @@\n a")[0]?.hunks[0]).toHaveLength(1);
});
