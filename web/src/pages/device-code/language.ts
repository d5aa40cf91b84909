/** Which language's colours a file gets. */

/** Languages that the preview knows. */
export type Language = "bash" | "cpp" | "ini" | "python" | "rust" | "yaml";

const endings: readonly [RegExp, Language][] = [
  [/\.(ino|cpp|cc|c|h|hpp)$/, "cpp"],
  [/\.py$/, "python"],
  [/\.ya?ml$/, "yaml"],
  [/\.sh$/, "bash"],
  [/\.rs$/, "rust"],
  [/\.(toml|service|timer|defaults|ini|conf)$/, "ini"],
];

/** The language of a file by its name; null for plain text. */
export function languageOf(name: string): Language | null {
  return endings.find(([ending]) => ending.test(name))?.[1] ?? null;
}
