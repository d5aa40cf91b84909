/** Underlines the word at which the server found a statement wrong, until it is changed. */
import { StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

/** Marks a place, line and column counted from 1; null clears. */
export const markProblem = StateEffect.define<{ readonly line: number; readonly column: number } | null>();

const mark = Decoration.mark({ class: "cm-problem" });

export const problemMark = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(markProblem)) continue;
      if (effect.value === null) return Decoration.none;
      const span = wordAt(transaction.state.doc, effect.value.line, effect.value.column);
      return span === null ? Decoration.none : Decoration.set([mark.range(...span)]);
    }
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The word at a place, or one character; null in an empty text. */
export function wordAt(doc: Text, line: number, column: number): [number, number] | null {
  if (doc.length === 0) return null;
  const { from, text } = doc.line(Math.min(Math.max(1, line), doc.lines));
  if (text.length === 0) return from > 0 ? [from - 1, from] : null;
  const start = Math.min(Math.max(0, column - 1), text.length - 1);
  const word = /^[\w.]+/.exec(text.slice(start))?.[0] ?? text.slice(start, start + 1);
  return [from + start, from + start + word.length];
}
