//! What the template language offers beyond Jinja's own, and the limits it keeps to.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, escape_formatter, filters,
    syntax::SyntaxConfig,
    value::{Kwargs, Value, ValueKind},
};
use std::fmt::Write;

/// Bounds on what one template may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the engine; a step also pays for 64 bytes of text made. Lists are not paid for in full, so that this
    /// alone bounds neither time nor memory: see [`crate::Renderer`].
    pub fuel: u64,
    /// Depth of includes, macros and loops within each other.
    pub depth: usize,
    pub output_bytes: usize,
}

pub const LIMITS: Limits = Limits { fuel: 400_000, depth: 200, output_bytes: 512 * 1024 };

/// An engine that reads nothing but the templates it is given and the context of a render.
pub(crate) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_syntax(syntax());
    engine.set_fuel(Some(LIMITS.fuel));
    engine.set_recursion_limit(LIMITS.depth);
    engine.set_debug(true);
    engine.remove_global("debug");
    // Writes a value as a Python literal; py(4) begins its further lines 4 spaces in.
    engine.add_filter("py", |value: Value, indent: Option<usize>| literal(&value, indent.unwrap_or(0)));
    engine.add_filter("json", |value: Value| json(&value));
    engine.add_filter("module", |name: &str| module(name));
    // The engine's own ask for fuel when the text is made already.
    engine.set_formatter(|out, state, value| {
        check_size(value, 0)?;
        escape_formatter(out, state, value)
    });
    engine.add_filter("string", string);
    engine.add_filter("tojson", tojson);
    engine.add_filter("pprint", pprint);
    engine
}

/// Jinja's usual delimiters; a line with nothing but a tag leaves no line behind.
pub(crate) fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    syntax.build().expect("the usual delimiters are kept")
}

/// A name that Python can import.
pub(crate) fn module(name: &str) -> String {
    let mut name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, 'm');
    }
    name
}

/// A list that holds itself many times over is small in memory and endless as text.
const MAX_LITERAL_BYTES: usize = 256 * 1024;
const DEEPEST: usize = 64;
/// Longer literals are broken into lines.
const LINE: usize = 100;

fn too_large(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("the value is too large to be written as {what}"))
}

fn string(state: &State, value: &Value) -> Result<Value, Error> {
    check_size(value, 0)?;
    filters::string(state, value)
}

fn tojson(value: &Value, indent: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let spaces = match &indent {
        Some(spaces) => spaces.as_usize(),
        None => named.peek::<Option<Value>>("indent")?.and_then(|spaces| spaces.as_usize()),
    };
    check_size(value, spaces.unwrap_or(0))?;
    filters::tojson(value, indent, named)
}

fn pprint(value: &Value) -> Result<String, Error> {
    check_size(value, 4)?;
    Ok(filters::pprint(value))
}

/// Refuses a list or map that would be too long as text with each level moved in by so many spaces.
fn check_size(value: &Value, indent: usize) -> Result<(), Error> {
    match value.as_object() {
        Some(_) => take(value, indent, 0, &mut { MAX_LITERAL_BYTES }),
        None => Ok(()),
    }
}

/// Takes from the bytes that are left the fewest that a value can be written in.
fn take(value: &Value, indent: usize, depth: usize, left: &mut usize) -> Result<(), Error> {
    let own = value.as_str().map_or(1, |text| text.len().max(1)).saturating_add(indent.saturating_mul(depth));
    *left = left.checked_sub(own).filter(|_| depth <= DEEPEST).ok_or_else(|| too_large("text"))?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                take(&item, indent, depth + 1, left)?;
            }
        }
        ValueKind::Map => {
            for key in value.try_iter()? {
                take(&key, indent, depth + 1, left)?;
                take(&value.get_item(&key)?, indent, depth + 1, left)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn json(value: &Value) -> Result<String, Error> {
    // The literal is never much shorter, and its size is bounded.
    literal(value, 0)?;
    serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorKind::BadSerialization, format!("it cannot be written as JSON: {e}")))
}

fn literal(value: &Value, indent: usize) -> Result<String, Error> {
    let mut text = String::new();
    write_literal(value, indent.min(LINE), &mut text, 0)?;
    Ok(text)
}

fn write_literal(value: &Value, indent: usize, text: &mut String, depth: usize) -> Result<(), Error> {
    if text.len() > MAX_LITERAL_BYTES || depth > DEEPEST {
        return Err(too_large("Python"));
    }
    let start = text.len();
    // The first line goes on where the filter stands.
    let column = text.rfind('\n').map_or(start + indent, |newline| start - newline - 1);
    if write_flat(value, text, start + LINE.saturating_sub(column), 0)? {
        return Ok(());
    }
    text.truncate(start);
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            text.push('[');
            for item in value.try_iter()? {
                let _ = write!(text, "\n{:1$}", "", indent + 4);
                write_literal(&item, indent + 4, text, depth + 1)?;
                text.push(',');
            }
            let _ = write!(text, "\n{:1$}]", "", indent);
        }
        ValueKind::Map => {
            text.push('{');
            for key in value.try_iter()? {
                let _ = write!(text, "\n{:1$}", "", indent + 4);
                write_scalar(&key, text)?;
                text.push_str(": ");
                write_literal(&value.get_item(&key)?, indent + 4, text, depth + 1)?;
                text.push(',');
            }
            let _ = write!(text, "\n{:1$}}}", "", indent);
        }
        _ => write_scalar(value, text)?,
    }
    Ok(())
}

/// On one line; false, with the rest left out, where it would go beyond `end`.
fn write_flat(value: &Value, text: &mut String, end: usize, depth: usize) -> Result<bool, Error> {
    if text.len() > end || depth > DEEPEST {
        return Ok(false);
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            text.push('[');
            for (at, item) in value.try_iter()?.enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                if !write_flat(&item, text, end, depth + 1)? {
                    return Ok(false);
                }
            }
            text.push(']');
        }
        ValueKind::Map => {
            text.push('{');
            for (at, key) in value.try_iter()?.enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write_scalar(&key, text)?;
                text.push_str(": ");
                if !write_flat(&value.get_item(&key)?, text, end, depth + 1)? {
                    return Ok(false);
                }
            }
            text.push('}');
        }
        _ => write_scalar(value, text)?,
    }
    Ok(text.len() <= end)
}

fn write_scalar(value: &Value, text: &mut String) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => text.push_str("None"),
        ValueKind::Bool => text.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => write_number(value, text),
        ValueKind::String => write_string(value.as_str().unwrap_or_default(), text),
        kind => return Err(Error::new(ErrorKind::InvalidOperation, format!("{kind} has no literal in Python"))),
    }
    Ok(())
}

/// Configurations hold an infinite limit as 1e300.
fn write_number(value: &Value, text: &mut String) {
    match f64::try_from(value.clone()) {
        Ok(number) if number.abs() >= 1e300 || number.is_infinite() => {
            text.push_str(if number > 0.0 { "float(\"inf\")" } else { "-float(\"inf\")" });
        }
        Ok(number) if number.is_nan() => text.push_str("float(\"nan\")"),
        _ => drop(write!(text, "{value}")),
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if control.is_control() => drop(write!(text, "\\u{:04x}", u32::from(control))),
            plain => text.push(plain),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::value::Serde;

    #[test]
    fn a_value_becomes_python() {
        let value = Value::from(Serde(&serde_json::json!({"a": null, "b": [true, 1, 2.5, 1e300], "c": "\"q\"\n"})));
        assert_eq!(literal(&value, 0).unwrap(), r#"{"a": None, "b": [True, 1, 2.5, float("inf")], "c": "\"q\"\n"}"#);
        let long: Vec<String> = (0..20).map(|n| format!("item {n}")).collect();
        let text = literal(&Value::from(Serde(&long)), 4).unwrap();
        assert!(text.starts_with("[\n        \"item 0\",\n") && text.ends_with("\"item 19\",\n    ]"), "{text}");
    }

    #[test]
    fn names_become_importable() {
        assert_eq!(module("xlm-roberta"), "xlm_roberta");
        assert_eq!(module("EvollaModel"), "evollamodel");
    }
}
