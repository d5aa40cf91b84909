/** Code in colours. A chunk of its own: until it is there, the text stands without them. */
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import ini from "highlight.js/lib/languages/ini";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import { type ReactNode, useMemo } from "react";
import classes from "./Highlighted.module.css";
import type { Language } from "./language";

const lowlight = createLowlight({ bash, cpp, ini, python, rust, yaml });

type Node = ReturnType<typeof lowlight.highlight>["children"][number];

/** Properties of {@link Highlighted}. */
export interface HighlightedProps {
  text: string;
  language: Language;
}

/** The text with a span around each part that means something; nothing of it is markup. */
export default function Highlighted({ text, language }: HighlightedProps) {
  const parts = useMemo(() => lowlight.highlight(language, text, { prefix: "" }).children, [language, text]);
  return <span className={classes["code"]}>{parts.map(drawn)}</span>;
}

function drawn(node: Node, index: number): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties["className"];
  return (
    <span key={index} data-is={Array.isArray(names) ? names.join(" ") : ""}>
      {node.children.map(drawn)}
    </span>
  );
}
