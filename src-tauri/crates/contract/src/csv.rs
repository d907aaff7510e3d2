//! Comma-separated values, read with every limit a file from elsewhere needs, and written safe for spreadsheets.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};

/// A record, quoted line breaks included, may not be longer.
const LONGEST_RECORD: usize = 128 * 1024;
/// Nor run over more lines: a quotation mark that is never closed would swallow the table.
const MOST_LINES: usize = 64;

/// Records of a file, one after the other.
pub struct Reader<R> {
    input: R,
    /// Of the last line taken from the input; the first is 1.
    line: u64,
    /// Lines that were read ahead and given back.
    given_back: VecDeque<Line>,
    record: Record,
}

struct Line {
    number: u64,
    /// Without its line feed. None where it was longer than a record may be.
    text: Option<Vec<u8>>,
}

/// Fields one after the other, without a quotation mark of their own.
#[derive(Debug, Default)]
pub struct Record {
    pub line: u64,
    /// Lines without anything in them just before it.
    pub blank_lines: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Why the record could not be split.
    pub fault: Option<&'static str>,
}

impl Record {
    /// How many fields it has.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    pub fn field(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R) -> Self {
        Self { input, line: 0, given_back: VecDeque::new(), record: Record::default() }
    }

    /// The next record that is not a blank line; its bytes live until the one after it is asked for.
    ///
    /// # Errors
    /// Where the input cannot be read. A record that cannot be split is none: it says so itself.
    pub fn next_record(&mut self) -> io::Result<Option<&Record>> {
        self.record.blank_lines = 0;
        loop {
            let Some(first) = self.next_line()? else { return Ok(None) };
            self.record.line = first.number;
            self.record.fault = None;
            let Some(text) = first.text else {
                self.record.fault = Some("the line is longer than 128 KB");
                return Ok(Some(&self.record));
            };
            if text.iter().all(u8::is_ascii_whitespace) {
                self.record.blank_lines += 1;
                continue;
            }
            self.split_over_lines(text)?;
            return Ok(Some(&self.record));
        }
    }

    /// Splits the record that begins with this line, taking further ones while a quotation mark is open.
    fn split_over_lines(&mut self, mut text: Vec<u8>) -> io::Result<()> {
        let mut taken: Vec<Line> = Vec::new();
        loop {
            match split(&text, &mut self.record) {
                Split::Whole => return Ok(()),
                Split::Broken(fault) => {
                    self.record.fault = Some(fault);
                    break;
                }
                Split::Open => {}
            }
            let next = if taken.len() + 1 < MOST_LINES { self.next_line()? } else { None };
            match next {
                Some(Line { number, text: Some(more) }) if text.len() + more.len() < LONGEST_RECORD => {
                    text.push(b'\n');
                    text.extend_from_slice(&more);
                    taken.push(Line { number, text: Some(more) });
                }
                next => {
                    taken.extend(next);
                    self.record.fault = Some("a quotation mark is opened and not closed");
                    break;
                }
            }
        }
        // Only the first line is lost; those after it may be records of their own.
        for line in taken.into_iter().rev() {
            self.given_back.push_front(line);
        }
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.given_back.pop_front() {
            return Ok(Some(line));
        }
        let mut text = Vec::new();
        let limit = LONGEST_RECORD as u64 + 1;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let too_long = text.len() > LONGEST_RECORD && text.last() != Some(&b'\n');
        if too_long {
            self.skip_line()?;
            return Ok(Some(Line { number: self.line, text: None }));
        }
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        if self.line == 1 && text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
        }
        Ok(Some(Line { number: self.line, text: Some(text) }))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (length, found) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.input.consume(length);
            if found {
                return Ok(());
            }
        }
    }
}

enum Split {
    Whole,
    /// Ends within quotation marks.
    Open,
    Broken(&'static str),
}

/// RFC 4180; a quotation mark inside an unquoted field is taken as it stands.
/// A carriage return at the very end belongs to the line break, one inside quotation marks to the field.
fn split(text: &[u8], record: &mut Record) -> Split {
    record.bytes.clear();
    record.ends.clear();
    let mut rest = text;
    loop {
        if let [b'"', quoted @ ..] = rest {
            rest = quoted;
            loop {
                let Some(at) = rest.iter().position(|byte| *byte == b'"') else { return Split::Open };
                record.bytes.extend_from_slice(&rest[..at]);
                rest = &rest[at + 1..];
                let [b'"', after @ ..] = rest else { break };
                record.bytes.push(b'"');
                rest = after;
            }
        } else {
            let at = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
            let field = if at == rest.len() { rest.strip_suffix(b"\r").unwrap_or(rest) } else { &rest[..at] };
            record.bytes.extend_from_slice(field);
            rest = &rest[at..];
        }
        record.ends.push(record.bytes.len());
        match rest {
            [] | [b'\r'] => return Split::Whole,
            [b',', more @ ..] => rest = more,
            _ => return Split::Broken("there is text after a closing quotation mark"),
        }
    }
}

/// Writes a record; fields with a comma, a quotation mark or a line break are quoted.
pub fn write_record<'a>(out: &mut impl Write, fields: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        if field.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// Text that a spreadsheet would take for a formula gets an apostrophe in front, which it shows as text.
///
/// Text that already has apostrophes there gets one more, so that [`unguard`] gives back any text exactly.
pub fn guard(text: &str) -> String {
    if is_formula(text.trim_start_matches('\'')) { format!("'{text}") } else { text.to_owned() }
}

/// Takes the apostrophe of [`guard`] away.
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(inner) if is_formula(inner.trim_start_matches('\'')) => inner,
        _ => text,
    }
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Vec<(u64, Result<Vec<String>, &'static str>)>;

    fn read(text: &[u8]) -> Read {
        let mut reader = Reader::new(text);
        let mut records = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let fields = (0..record.width()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect();
            records.push((record.line, record.fault.map_or(Ok(fields), Err)));
        }
        records
    }

    fn fields(texts: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn records_are_split_as_rfc_4180_says() {
        let text = b"\xef\xbb\xbfa,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n ,\nlast,\"\"";
        let expected = vec![
            (1, fields(&["a", "b"])),
            (2, fields(&["x, \"y\"", "two\nlines"])),
            (5, fields(&[" ", ""])),
            (6, fields(&["last", ""])),
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn a_record_counts_the_blank_lines_before_it() {
        let mut reader = Reader::new(&b"a\n\n \nb\nc\n"[..]);
        let mut next = || reader.next_record().unwrap().map(|record| (record.line, record.blank_lines));
        assert_eq!([next(), next(), next(), next()], [Some((1, 0)), Some((4, 2)), Some((5, 0)), None]);
    }

    #[test]
    fn an_unclosed_quotation_mark_costs_one_line_only() {
        let open = Err("a quotation mark is opened and not closed");
        assert_eq!(read(b"a,\"b\nc,d\ne,f\n"), vec![(1, open), (2, fields(&["c", "d"])), (3, fields(&["e", "f"]))]);
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut text = vec![b'x'; 3 * LONGEST_RECORD];
        text.extend_from_slice(b"\na,b\n");
        let long = Err("the line is longer than 128 KB");
        assert_eq!(read(&text), vec![(1, long), (2, fields(&["a", "b"]))]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
            let records = read(&bytes);
            prop_assert!(records.len() as u64 <= lines);
            prop_assert!(records.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        #[test]
        fn quotes_commas_and_breaks_in_any_mixture_never_lose_a_later_record(head in "[\",\na ]{0,200}") {
            // The tail's quotes are balanced; whatever the head opens must not swallow more than its limit.
            let tail: String = (0..100).map(|at| format!("row{at},1\n")).collect();
            let text = format!("{head}\n{tail}");
            let records = read(text.as_bytes());
            let last = records.last().unwrap();
            prop_assert_eq!(&last.1, &fields(&["row99", "1"]));
        }

        #[test]
        fn what_is_written_is_read_back(texts in proptest::collection::vec("[^\0]{0,40}", 2..6)) {
            prop_assume!(texts.iter().any(|text| !text.trim().is_empty()));
            let mut out = Vec::new();
            let guarded: Vec<String> = texts.iter().map(|text| guard(text)).collect();
            write_record(&mut out, guarded.iter().map(String::as_str)).unwrap();
            let records = read(&out);
            prop_assert_eq!(records.len(), 1);
            let back: Vec<String> = records[0].1.clone().unwrap().iter().map(|text| unguard(text).to_owned()).collect();
            let texts: Vec<String> = texts.iter().map(|text| text.trim_start_matches('\u{feff}').to_owned()).collect();
            let back: Vec<String> = back.iter().map(|text| text.trim_start_matches('\u{feff}').to_owned()).collect();
            prop_assert_eq!(back, texts);
        }

        #[test]
        fn no_guarded_text_begins_a_formula(text in "['=+@\t\r -]{0,3}.{0,10}") {
            prop_assert!(!is_formula(&guard(&text)));
            let guarded = guard(&text);
            prop_assert_eq!(unguard(&guarded), text.as_str());
        }
    }
}
