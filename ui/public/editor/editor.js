// CodeMirror behind the few calls that src/editor.rs makes.

import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { codeFolding, foldGutter, foldKeymap, indentUnit, bracketMatching } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { MergeView } from "@codemirror/merge";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  tooltips,
} from "@codemirror/view";
import { completion } from "./complete.js";
import { folding, indentation, templateLanguage } from "./language.js";
import { comparisonLook, look } from "./look.js";

const setLinked = StateEffect.define();
const linkedLine = Decoration.line({ class: "cm-linked" });

/// Lines that belong to the one under the cursor of the other view.
const linked = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(setLinked)) return effect.value;
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const code = [templateLanguage, look, linked, EditorState.tabSize.of(4), indentUnit.of("    ")];

/// One view of code: what the window may ask of it.
class View {
  constructor(view) {
    this.view = view;
    this.words = [];
  }

  text() {
    return this.view.state.doc.toString();
  }

  /// Keeps what stays the same, and with it the cursor and the place that is looked at.
  setText(text) {
    const old = this.text();
    let start = 0;
    while (start < old.length && old[start] === text[start]) start++;
    let same = 0;
    const most = Math.min(old.length, text.length) - start;
    while (same < most && old[old.length - 1 - same] === text[text.length - 1 - same]) same++;
    if (start === old.length && start === text.length) return;
    this.view.dispatch({ changes: { from: start, to: old.length - same, insert: text.slice(start, text.length - same) } });
  }

  setWords(words) {
    this.words = words;
  }

  /// Problems with line and column from 1, either of which may be missing.
  setProblems(problems) {
    const found = problems.map(({ line, column, message }) => {
      const at = this.line(line ?? 1);
      const from = column ? Math.min(at.from + column - 1, at.to) : at.from + Math.max(at.text.search(/\S/), 0);
      const word = /^[\w.]+/.exec(this.view.state.sliceDoc(from, at.to))?.[0].length ?? 1;
      return { from, to: column ? Math.min(from + word, at.to) : at.to, severity: "error", message };
    });
    found.sort((a, b) => a.from - b.from);
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }

  /// Marks lines as belonging to the other view's cursor, and shows the first of them.
  link(lines, show) {
    const there = [...lines].filter((line) => line <= this.view.state.doc.lines);
    const marks = there.map((line) => linkedLine.range(this.line(line).from));
    const effects = [setLinked.of(Decoration.set(marks, true))];
    if (show && marks.length) effects.push(EditorView.scrollIntoView(marks[0].from, { y: "center" }));
    this.view.dispatch({ effects });
  }

  /// Puts the cursor on a line and shows it.
  reveal(line) {
    const at = this.line(line).from;
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }

  destroy() {
    this.view.destroy();
  }

  line(number) {
    const doc = this.view.state.doc;
    return doc.line(Math.min(Math.max(number, 1), doc.lines));
  }
}

/// An editor; `hear` is told of ("text", all of it), ("line", the cursor's), ("follow", the word at the cursor) and
/// ("save").
function edit(parent, text, hear) {
  let handle;
  const tell = (name, value) => {
    hear(name, value);
    return true;
  };
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      code,
      folding,
      indentation,
      lineNumbers(),
      lintGutter(),
      codeFolding(),
      foldGutter(),
      history(),
      drawSelection(),
      bracketMatching(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: false }),
      // Lists reach over what stands beside the editor.
      tooltips({ position: "fixed", parent: document.body }),
      autocompletion({ override: [completion(() => handle.words)], icons: false }),
      EditorView.contentAttributes.of({ "aria-label": "Template", "data-testid": "editor-text", tabindex: "0" }),
      keymap.of([
        { key: "Mod-s", run: () => tell("save") },
        { key: "F12", run: (view) => tell("follow", wordAt(view.state)) },
        ...completionKeymap,
        ...lintKeymap,
        ...searchKeymap,
        ...foldKeymap,
        ...historyKeymap,
        ...defaultKeymap,
        indentWithTab,
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) hear("text", update.state.doc.toString());
        if (update.docChanged || update.selectionSet) hear("line", String(lineOf(update.state)));
      }),
    ],
  });
  handle = new View(view);
  return handle;
}

/// Code that is only read; `hear` is told of ("line", the one that was pressed, or where Enter was).
function show(parent, text, label, hear) {
  const tell = (state) => {
    hear("line", String(lineOf(state)));
    return true;
  };
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      code,
      lineNumbers(),
      EditorState.readOnly.of(true),
      keymap.of([{ key: "Enter", run: (view) => tell(view.state) }, ...searchKeymap, ...defaultKeymap]),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (update.transactions.some((transaction) => transaction.isUserEvent("select.pointer"))) tell(update.state);
      }),
    ],
  });
  return new View(view);
}

/// Two texts side by side; what is the same in both is folded.
function compare(parent, old, now) {
  const side = (doc, label) => ({
    doc,
    extensions: [
      code,
      comparisonLook,
      lineNumbers(),
      EditorState.readOnly.of(true),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label }),
    ],
  });
  return new View(
    new MergeView({
      parent,
      a: side(old, "The older text"),
      b: side(now, "The newer text"),
      collapseUnchanged: { margin: 3, minSize: 5 },
      gutter: true,
    }),
  );
}

const lineOf = (state) => state.doc.lineAt(state.selection.main.head).number;

/// The word under the cursor with what stands before its dot; on the line of a block's tag, the block.
function wordAt(state) {
  const head = state.selection.main.head;
  const line = state.doc.lineAt(head);
  const block = /\{%[-+]?\s*block\s+(\w+)/.exec(line.text);
  if (block) return `block ${block[1]}`;
  for (const found of line.text.matchAll(/"([\w./-]+)"|[\w.]+/g)) {
    const from = line.from + found.index;
    if (from <= head && head <= from + found[0].length) return found[1] ? `file ${found[1]}` : `word ${found[0]}`;
  }
  return "";
}

globalThis.AssayEditor = { edit, show, compare };
