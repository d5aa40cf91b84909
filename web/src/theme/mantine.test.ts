import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const imported = readFileSync("src/theme/mantine.css", "utf8");

function used(): string[] {
  const names = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".tsx"))
    .flatMap((file) =>
    [...readFileSync(`src/${file}`, "utf8").matchAll(/import \{([^}]*)\} from "@mantine\/core"/g)].flatMap(([, list]) =>
      (list ?? "").split(",").map((name) => name.trim()),
    ),
  );
  return [...new Set(names)].filter((name) => existsSync(`node_modules/@mantine/core/styles/${name}.css`));
}

it("has the styles of every component that is used", () => {
  const names = used();
  expect(names).toContain("Button");
  expect(names.filter((name) => !imported.includes(`/${name}.css"`))).toEqual([]);
});
