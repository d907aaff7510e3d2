// How code looks: in the colours of tokens.css, which follow the theme.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { jinjaTag } from "./language.js";

const colours = HighlightStyle.define([
  { tag: jinjaTag, color: "var(--code-tag)", backgroundColor: "var(--code-tag-soft)" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
  { tag: tags.keyword, color: "var(--accent)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: [tags.number, tags.atom], color: "var(--code-number)" },
  { tag: [tags.meta, tags.heading], color: "var(--ink-2)", fontWeight: "600" },
  { tag: tags.definition(tags.variableName), fontWeight: "600" },
]);

const frame = EditorView.theme({
  "&.cm-editor": { height: "100%", backgroundColor: "var(--surface-1)", color: "var(--ink)", fontSize: "12.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--surface-1)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--surface-2) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  ".cm-linked": { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selected)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--warn-soft)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--surface-2)", border: "none", color: "var(--ink-2)", padding: "0 6px" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--surface-1)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius)",
  },
  ".cm-panels": { borderRadius: "0", border: "none", borderTop: "1px solid var(--line)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px", maxHeight: "15em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--ink-3)", fontStyle: "normal" },
  ".cm-completionInfo": { fontFamily: "var(--font)", maxWidth: "300px", padding: "8px 10px", fontSize: "13px" },
  ".cm-diagnostic": { fontFamily: "var(--font)", fontSize: "13px" },
  ".cm-textfield, .cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--surface-1)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-s)",
    color: "var(--ink)",
  },
});

export const look = [frame, syntaxHighlighting(colours)];

export const comparisonLook = EditorView.theme({
  "&.cm-editor": { height: "auto", fontSize: "12.5px" },
  ".cm-changedLine": { backgroundColor: "var(--warn-soft) !important" },
  ".cm-changedText": { background: "color-mix(in srgb, var(--warn) 26%, transparent) !important" },
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { display: "none" },
  ".cm-collapsedLines": { background: "var(--surface-2)", color: "var(--ink-2)", fontFamily: "var(--font)" },
});
