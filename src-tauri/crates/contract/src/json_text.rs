//! Where a key stands in the text of a JSON object, and how to change one value and leave the rest as it was written.
//! Whether the text is valid is for its reader to say.

use std::ops::Range;

/// Bytes of the value under a key such as `text_config.hidden_size`; none where the text has no such key.
pub fn value_at(text: &str, key: &str) -> Option<Range<usize>> {
    let mut object = Scanner::new(text).object()?;
    let mut names = key.split('.').peekable();
    while let Some(name) = names.next() {
        let member = object.member(name)?;
        if names.peek().is_none() {
            return Some(member);
        }
        object = Scanner { text: text.as_bytes(), at: member.start }.object()?;
    }
    None
}

/// The line of a byte, counted from 1.
pub fn line_of(text: &str, at: usize) -> u32 {
    let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// The text with `value`, itself JSON, under the key. A key that was missing is added at the end of its object.
///
/// None where the text is no JSON object, or the key leads through something that is none.
pub fn with_value(text: &str, key: &str, value: &str) -> Option<String> {
    if let Some(place) = value_at(text, key) {
        return Some(format!("{}{value}{}", &text[..place.start], &text[place.end..]));
    }
    let (parent, name) = key.rsplit_once('.').map_or((None, key), |(parent, name)| (Some(parent), name));
    let place = match parent {
        None => Scanner::new(text).object()?.whole()?,
        Some(parent) => match value_at(text, parent) {
            Some(place) => place,
            None => return with_value(text, parent, &format!("{{ \"{name}\": {value} }}")),
        },
    };
    let inside = text[place.clone()].strip_prefix('{')?.strip_suffix('}')?;
    let end = place.start + 1 + inside.trim_end().len();
    let comma = if inside.trim().is_empty() { "" } else { "," };
    Some(format!("{}{comma}{}\"{name}\": {value}{}", &text[..end], before_members(inside), &text[end..]))
}

/// The white space before the members of an object, as its first one has it.
fn before_members(inside: &str) -> &str {
    let first = inside.len() - inside.trim_start().len();
    if first == 0 || first == inside.len() { " " } else { &inside[..first] }
}

/// Reads just enough of JSON to find its way, without recursion: nesting costs nothing.
#[derive(Clone, Copy)]
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// Stands at the brace of an object.
    fn object(mut self) -> Option<Self> {
        (self.peek()? == b'{').then_some(self)
    }

    /// Bytes of the object it stands at.
    fn whole(mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.skip_value()?;
        Some(start..self.at)
    }

    /// Bytes of the value that the object has under a name.
    fn member(mut self, name: &str) -> Option<Range<usize>> {
        self.at += 1;
        loop {
            match self.peek()? {
                b',' => self.at += 1,
                b'"' => {
                    let start = self.at + 1;
                    self.skip_string()?;
                    let own = &self.text[start..self.at - 1];
                    if self.peek()? != b':' {
                        return None;
                    }
                    self.at += 1;
                    self.peek()?;
                    let value = self.at;
                    self.skip_value()?;
                    if own == name.as_bytes() {
                        return Some(value..self.at);
                    }
                }
                _ => return None,
            }
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => {
                    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                    let length = self.text[self.at..].iter().take_while(|byte| word(byte)).count();
                    if length == 0 {
                        return None;
                    }
                    self.at += length;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": 1,\n  \"b\": {\"a\": [1, {\"c\": \"}\\\"\"}], \"d\": -2.5e3},\n  \"e\": {}\n}\n";

    fn at(key: &str) -> Option<&'static str> {
        value_at(TEXT, key).map(|place| &TEXT[place])
    }

    #[test]
    fn a_value_is_found_under_the_keys_that_lead_to_it() {
        assert_eq!(at("a"), Some("1"));
        assert_eq!(at("b.d"), Some("-2.5e3"));
        assert_eq!(at("b.a"), Some("[1, {\"c\": \"}\\\"\"}]"));
        assert_eq!((at("c"), at("b.c"), at("a.b"), at("e.a")), (None, None, None, None));
        assert_eq!(line_of(TEXT, value_at(TEXT, "b.d").unwrap().start), 3);
    }

    #[test]
    fn one_value_changes_and_the_rest_stays_as_written() {
        let changed = with_value(TEXT, "b.d", "7").unwrap();
        assert_eq!(changed, TEXT.replace("-2.5e3", "7"));
        assert_eq!(with_value(TEXT, "a", "12").unwrap(), TEXT.replace("\"a\": 1,", "\"a\": 12,"));
    }

    #[test]
    fn a_missing_key_is_added_where_it_belongs() {
        for (key, old, new) in [
            ("z", "\"e\": {}\n}", "\"e\": {},\n  \"z\": 7\n}"),
            ("b.z", "-2.5e3}", "-2.5e3, \"z\": 7}"),
            ("e.z", "\"e\": {}", "\"e\": { \"z\": 7}"),
            ("y.z", "\"e\": {}\n}", "\"e\": {},\n  \"y\": { \"z\": 7 }\n}"),
        ] {
            let changed = with_value(TEXT, key, "7").unwrap();
            assert_eq!(changed, TEXT.replace(old, new), "{key}");
            assert!(serde_json::from_str::<serde_json::Value>(&changed).is_ok(), "{changed}");
        }
        assert_eq!(with_value("{}", "z", "7").unwrap(), "{ \"z\": 7}");
    }

    #[test]
    fn what_is_no_object_is_left_alone_however_deep_it_is() {
        for text in ["", "{", "[1]", "7", "{\"a\": ", "{\"a\": \"x"] {
            assert_eq!(with_value(text, "z", "7"), None, "{text}");
        }
        assert_eq!(with_value(TEXT, "a.z", "7"), None);
        let deep = format!("{{\"a\": {}", "[".repeat(1_000_000));
        assert_eq!(value_at(&deep, "b"), None);
    }
}
