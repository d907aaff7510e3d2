// Completion within Jinja tags, from the words that the shell gave: each with its place and its help.

/// What may be written at the end of `inside`, the text of an open tag up to the cursor.
function placeOf(isTag, rest) {
  const member = /(\w+)\.$/.exec(rest);
  if (member) return { place: "member", of: member[1] };
  if (/\|\s*$/.test(rest)) return { place: "filter" };
  if (/\bis\s+(not\s+)?$/.test(rest)) return { place: "test" };
  if (isTag && /^[-+]?\s*block\s+$/.test(rest)) return { place: "block" };
  if (isTag && /^[-+]?\s*$/.test(rest)) return { place: "tag" };
  return { place: "name" };
}

const KINDS = { tag: "keyword", name: "variable", member: "property", filter: "function", test: "type", block: "class" };

/// `words` gives the list of the moment.
export function completion(words) {
  return (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const open = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
    if (open < 0 || /[%}]\}/.test(before.slice(open))) return null;
    const inside = before.slice(open + 2);
    const typed = /[A-Za-z_]\w*$/.exec(inside)?.[0] ?? "";
    const rest = inside.slice(0, inside.length - typed.length);
    if (!typed && !context.explicit && !/[.|]\s*$/.test(rest)) return null;
    const wanted = placeOf(before[open + 1] === "%", rest);
    const options = words()
      .filter((word) => word.place === wanted.place && (!wanted.of || word.of === wanted.of))
      .map((word) => ({ label: word.word, detail: word.detail, info: word.help || null, type: KINDS[word.place] }));
    return options.length ? { from: context.pos - typed.length, options, validFor: /^\w*$/ } : null;
  };
}
