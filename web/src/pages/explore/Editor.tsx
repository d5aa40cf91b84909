/** The SQL editor. A chunk of its own: nothing else of the page waits for it. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completeFromList,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql, type SQLNamespace } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useEffectEvent, useImperativeHandle, useRef, type Ref } from "react";
import { markProblem, problemMark } from "./problemMark";

export interface Problem {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** What the page does with the editor from outside. */
export interface EditorHandle {
  /** Writes where the cursor is. */
  insert: (text: string) => void;
  focus: () => void;
}

export interface EditorProps {
  /** The statement; it takes the place of what is typed when `edition` changes, and only then. */
  value: string;
  edition: number;
  label: string;
  hint: string;
  /** Tables and their columns, for completion. */
  schema: SQLNamespace;
  problem: Problem | null;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  ref: Ref<EditorHandle>;
}

export default function Editor({ value, edition, label, hint, schema, problem, onChange, onRun, ref }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const changed = useEffectEvent(onChange);
  const run = useEffectEvent(onRun);
  const first = useEffectEvent(() => ({ doc: value, language: languageOf(schema) }));

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const start = first();
    const made = new EditorView({
      parent: element,
      state: EditorState.create({
        doc: start.doc,
        extensions: [
          Prec.highest(
            keymap.of([
              {
                key: "Mod-Enter",
                run: (editor) => {
                  closeCompletion(editor);
                  run(editor.state.doc.toString());
                  return true;
                },
              },
            ]),
          ),
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          // CodeMirror closes a list that is open; one that is still being made would open when nobody types any more.
          EditorView.domEventHandlers({
            blur: ({ relatedTarget }, editor) => {
              if (!(relatedTarget instanceof Node && editor.dom.contains(relatedTarget))) closeCompletion(editor);
            },
          }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          language.current.of(start.language),
          syntaxHighlighting(highlight),
          problemMark,
          placeholder(hint),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
          look,
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, [label, hint]);

  const replace = useEffectEvent(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  });
  useEffect(() => {
    replace();
  }, [edition]);

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(languageOf(schema)) });
  }, [schema]);

  useEffect(() => {
    view.current?.dispatch({ effects: markProblem.of(problem) });
  }, [problem]);

  useImperativeHandle(ref, () => ({
    insert: (text) => {
      const editor = view.current;
      if (editor === null) return;
      editor.dispatch(editor.state.replaceSelection(text));
      editor.focus();
    },
    focus: () => view.current?.focus(),
  }));

  return <div ref={place} />;
}

/** Functions that are worth completing and that the dialect does not know. */
const FUNCTIONS = [
  ["date_bin", "date_bin(INTERVAL '1 minute', time)"],
  ["date_trunc", "date_trunc('hour', time)"],
  ["approx_percentile_cont", "approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY value)"],
  ["first_value", "first_value(value ORDER BY time)"],
  ["last_value", "last_value(value ORDER BY time)"],
] as const;

const functions = completeFromList(
  FUNCTIONS.map(([label, apply]) => ({ label, apply, type: "function", detail: "function" })),
);

function languageOf(schema: SQLNamespace) {
  return [
    sql({ dialect: PostgreSQL, schema, upperCaseKeywords: true }),
    PostgreSQL.language.data.of({ autocomplete: functions }),
  ];
}

/** The colours of series, darkened or lightened towards the text until they can be read. */
const ink = (color: number) => `color-mix(in oklab, var(--sn-series-${color}) 62%, var(--sn-text))`;

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--sn-accent)", fontWeight: "500" },
  { tag: [tags.string, tags.special(tags.string)], color: ink(2) },
  { tag: [tags.number, tags.bool, tags.null], color: ink(1) },
  { tag: tags.comment, color: "var(--sn-dim)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: ink(3) },
]);

const look = EditorView.theme({
  "&": { fontSize: "0.8125rem", backgroundColor: "transparent", color: "var(--sn-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55", minHeight: "112px" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--sn-text)" },
  ".cm-cursor": { borderLeftColor: "var(--sn-text)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--sn-dim)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "36px", padding: "0 8px" },
  ".cm-placeholder": { color: "var(--sn-dim)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--sn-accent) 24%, transparent)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--sn-raised)", outline: "1px solid var(--sn-hairline)" },
  ".cm-problem": { textDecoration: "underline wavy var(--sn-danger)", textUnderlineOffset: "3px" },
  ".cm-tooltip": {
    backgroundColor: "var(--sn-surface)",
    border: "1px solid var(--sn-hairline)",
    borderRadius: "var(--mantine-radius-sm)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mantine-font-family-monospace)" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 8px !important" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--sn-raised) !important",
    color: "var(--sn-text) !important",
  },
  ".cm-completionDetail": { color: "var(--sn-dim)", fontStyle: "normal" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--sn-accent)" },
});
