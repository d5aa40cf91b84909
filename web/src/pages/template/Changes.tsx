/** What a version changes, line by line. */
import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./template.module.css";
import { type DiffLine, type FileDiff, parsed } from "./unified";

/** What a part is called that is no file. */
const isWhole = (name: string): name is "template" | "type" => name === "template" || name === "type";

const signs = { kept: " ", added: "+", removed: "−" };

/** The section; `changes` is null when no version was accepted before. */
export function Changes({ changes }: { changes: string | null }) {
  const { t } = useTranslation("templates");
  const files = parsed(changes ?? "");
  return (
    <section className={classes["section"]} aria-labelledby="changes">
      <Title order={2} id="changes">
        {t("changes")}
      </Title>
      {files.length === 0 && <p className="sn-dim">{t(changes === null ? "allNew" : "noChanges")}</p>}
      {files.map((file) => (
        <Part key={file.name} file={file} />
      ))}
    </section>
  );
}

function Part({ file: { name, kind, hunks } }: { file: FileDiff }) {
  const { t } = useTranslation("templates");
  return (
    <table className={`sn-panel ${classes["diff"] ?? ""}`}>
      <caption>
        <span className="sn-mono">{isWhole(name) ? t(`facts_${name}`) : name}</span>{" "}
        {kind !== "changed" && <span className="sn-dim">{t(`part_${kind}`)}</span>}
      </caption>
      <thead className="sn-hidden">
        <tr>
          <th scope="col">{t("lineBefore")}</th>
          <th scope="col">{t("lineAfter")}</th>
          <th scope="col">{t("line")}</th>
        </tr>
      </thead>
      {hunks.map((hunk, index) => (
        <tbody key={index}>
          {hunk.map((line) => (
            <Line key={`${line.before ?? ""} ${line.after ?? ""}`} line={line} />
          ))}
        </tbody>
      ))}
    </table>
  );
}

function Line({ line: { kind, before, after, text } }: { line: DiffLine }) {
  const { t } = useTranslation("templates");
  const Text = kind === "added" ? "ins" : kind === "removed" ? "del" : "span";
  return (
    <tr data-kind={kind}>
      <td className={classes["number"]}>{before}</td>
      <td className={classes["number"]}>{after}</td>
      <td>
        <span aria-hidden>{signs[kind]} </span>
        {kind !== "kept" && <span className="sn-hidden">{t(`line_${kind}`)} </span>}
        <Text>{text}</Text>
      </td>
    </tr>
  );
}
