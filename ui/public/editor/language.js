// The language of templates: Jinja inside Python, after a head in TOML. How it is coloured, folded and indented.

import { StreamLanguage, foldService, indentService } from "@codemirror/language";
import { Tag } from "@lezer/highlight";

/// Everything between {{ and }}, {% and %}.
export const jinjaTag = Tag.define();

const words = (text) => new Set(text.split(" "));
const PYTHON = words(
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield",
);
const JINJA = words(
  "and as block break call continue do elif else endblock endcall endfilter endfor endif endmacro endraw endset endwith extends filter for from if import in include is macro not or raw scoped set with",
);
const CONSTANTS = words("None True False none true false");

export const templateLanguage = StreamLanguage.define({
  name: "template",
  tokenTable: { jinja: jinjaTag },
  // `inside` is the second letter of an open Jinja tag, `quote` what ends the open Python text, `dashes` the lines of
  // three dashes so far.
  startState: () => ({ inside: "", quote: "", dashes: 0, defines: false }),
  token(stream, state) {
    if (stream.sol() && state.quote.length === 1) state.quote = "";
    if (state.inside) return jinja(stream, state);
    const opener = stream.match(/^\{([{%#])[-+]?/);
    if (opener) {
      state.inside = opener[1];
      return state.inside === "#" ? "comment" : "jinja";
    }
    if (state.quote) return quoted(stream, state);
    if (stream.sol() && state.dashes < 2 && stream.match(/^---\s*$/)) {
      state.dashes += 1;
      return "meta";
    }
    return python(stream, state);
  },
  languageData: { commentTokens: { line: "#", block: { open: "{#", close: "#}" } } },
});

function jinja(stream, state) {
  if (state.inside === "#") {
    if (stream.skipTo("#}")) {
      stream.match("#}");
      state.inside = "";
    } else {
      stream.skipToEnd();
    }
    return "comment";
  }
  if (stream.match(state.inside === "{" ? /^[-+]?\}\}/ : /^[-+]?%\}/)) {
    state.inside = "";
    return "jinja";
  }
  if (stream.match(/^("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/)) return "jinja string";
  if (stream.match(/^\d+(\.\d+)?/)) return "jinja number";
  if (stream.match(/^\.?[A-Za-z_]\w*/)) {
    const word = stream.current();
    if (CONSTANTS.has(word)) return "jinja atom";
    return JINJA.has(word) ? "jinja keyword" : "jinja variableName";
  }
  stream.next();
  return "jinja";
}

function quoted(stream, state) {
  while (!stream.eol() && !stream.match(/^\{[{%#]/, false)) {
    if (stream.match(state.quote)) {
      state.quote = "";
      break;
    }
    if (stream.next() === "\\") stream.next();
  }
  return "string";
}

function python(stream, state) {
  if (stream.eatSpace()) return null;
  if (stream.match(/^#(?:(?!\{[{%#]).)*/)) return "comment";
  const quote = stream.match(/^[rbfuRBFU]{0,2}("""|'''|"|')/);
  if (quote) {
    state.quote = quote[1];
    return "string";
  }
  if (stream.match(/^(0[xob][\da-f_]+|\d[\d_]*(\.[\d_]*)?(e[-+]?\d+)?)/i)) return "number";
  if (state.dashes === 1 && stream.match(/^\[[\w.]+\]\s*$/)) return "heading";
  if (stream.match(/^@[\w.]+/)) return "meta";
  if (stream.match(/^[A-Za-z_]\w*/)) {
    const word = stream.current();
    const defined = state.defines;
    state.defines = word === "def" || word === "class";
    if (defined) return "variableName.definition";
    if (CONSTANTS.has(word)) return "atom";
    return PYTHON.has(word) ? "keyword" : "variableName";
  }
  stream.next();
  return null;
}

const OPENERS = /\{%[-+]?\s*(block|for|if|macro|call|filter|with|raw)\b/g;
const ENDERS = /\{%[-+]?\s*end(block|for|if|macro|call|filter|with|raw)\b/g;
const count = (pattern, text) => text.match(pattern)?.length ?? 0;
const indent = (text) => text.search(/\S/);

/// The head, a Jinja tag up to its end, or the lines that are further in.
export const folding = foldService.of((state, from) => {
  const first = state.doc.lineAt(from);
  const lines = (test) => {
    for (let number = first.number + 1; number <= state.doc.lines; number++) {
      const line = state.doc.line(number);
      if (test(line)) return line;
    }
    return null;
  };
  if (first.number === 1 && first.text.trimEnd() === "---") {
    const end = lines((line) => line.text.trimEnd() === "---");
    return end && { from: first.to, to: end.to };
  }
  let depth = count(OPENERS, first.text) - count(ENDERS, first.text);
  if (depth > 0) {
    const end = lines((line) => {
      depth += count(OPENERS, line.text) - count(ENDERS, line.text);
      return depth <= 0;
    });
    return end && { from: first.to, to: end.to };
  }
  const own = indent(first.text);
  if (own < 0 || count(ENDERS, first.text)) return null;
  let last = null;
  lines((line) => {
    if (indent(line.text) < 0) return false;
    if (indent(line.text) <= own) return true;
    last = line;
    return false;
  });
  return last && { from: first.to, to: last.to };
});

/// A line after one that ends in a colon begins four spaces further in.
export const indentation = indentService.of((context, at) => {
  if (context.simulatedBreak === null) return undefined;
  const { text } = context.lineAt(at, -1);
  return Math.max(indent(text), 0) + (/:\s*(#.*)?$/.test(text) ? 4 : 0);
});
