//! The rows of a table that were not taken, one by one: spilled to the disk while the table is read, a CSV at its end.

use crate::{Result, StoreError};
use contract::csv;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A list takes no more of the disk than this, and as much again while it is put together.
const LARGEST_BYTES: u64 = 512 << 20;

const HEADER: [&str; 4] = ["line", "outcome", "column", "cause"];

/// What became of a row that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// The same is in the store already, or further up in the table.
    Duplicate,
    Refused,
    /// There is nothing in it.
    Skipped,
}

impl RowOutcome {
    fn word(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// The list of these rows, in the order of their lines. Nothing is left of it unless it is kept.
pub struct LeftOut {
    path: PathBuf,
    /// Rows as they come.
    spilled: PathBuf,
    /// The whole list, until it may have its name.
    part: PathBuf,
    spill: Bounded,
    largest_bytes: u64,
}

impl LeftOut {
    /// For a list at this path, which is written beside it first.
    pub fn create(path: &Path) -> Result<Self> {
        Self::bounded(path, LARGEST_BYTES)
    }

    fn bounded(path: &Path, largest_bytes: u64) -> Result<Self> {
        if path.is_dir() {
            return Err(unwritable(path, &ErrorKind::IsADirectory.into()));
        }
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (spilled, part) = (beside(".rows"), beside(".part"));
        let spill = Bounded::create(&spilled, largest_bytes).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), spilled, part, spill, largest_bytes })
    }

    /// Lines must not go back.
    pub fn add(&mut self, line: u64, outcome: RowOutcome, column: Option<&str>, cause: &str) -> Result<()> {
        self.spill.put(&record(line, outcome, column, cause)).map_err(|error| unwritable(&self.path, &error))
    }

    /// Puts the list together, with the lines of the rows that the store has already, in order.
    pub fn finish(&mut self, in_store: &[u64]) -> Result<()> {
        self.put_together(in_store).map_err(|error| unwritable(&self.path, &error))
    }

    fn put_together(&mut self, in_store: &[u64]) -> io::Result<()> {
        let known = |line| record(line, RowOutcome::Duplicate, None, "the store has this measurement already");
        self.spill.out.flush()?;
        let mut list = Bounded::create(&self.part, self.largest_bytes)?;
        csv::write_record(&mut list.out, HEADER)?;
        let mut in_store = in_store.iter().copied().peekable();
        let mut spilled = BufReader::new(File::open(&self.spilled)?);
        let mut row = Vec::new();
        while spilled.read_until(b'\n', &mut row)? > 0 {
            while let Some(line) = in_store.next_if(|line| *line < line_of(&row)) {
                list.put(&known(line))?;
            }
            list.put(&row)?;
            row.clear();
        }
        for line in in_store {
            list.put(&known(line))?;
        }
        let unlisted = self.spill.unlisted + list.unlisted;
        if unlisted > 0 {
            let largest = self.largest_bytes >> 20;
            let told = format!("{unlisted} more rows are not listed: the list would be larger than {largest} MB");
            csv::write_record(&mut list.out, ["", "", "", told.as_str()])?;
        }
        list.out.flush()?;
        list.out.get_ref().sync_all()
    }

    /// Puts the finished list in the place of what was there, once the rest of the table is in the store.
    pub fn keep(self) -> Result<()> {
        fs::rename(&self.part, &self.path).map_err(|error| StoreError::Table {
            path: self.path.clone(),
            place: None,
            reason: format!("the table was imported, but the list of its other rows could not be put here: {error}"),
            remedy: Some("Close the file where it is open, and import the table again: nothing is taken twice".into()),
        })
    }
}

impl Drop for LeftOut {
    fn drop(&mut self) {
        // A list that was kept has left its part; what cannot be removed does no harm.
        let _ = fs::remove_file(&self.spilled);
        let _ = fs::remove_file(&self.part);
    }
}

/// A file that takes rows up to a size and counts those after them.
struct Bounded {
    out: BufWriter<File>,
    free_bytes: u64,
    unlisted: u64,
}

impl Bounded {
    fn create(path: &Path, free_bytes: u64) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(path)?), free_bytes, unlisted: 0 })
    }

    fn put(&mut self, row: &[u8]) -> io::Result<()> {
        match self.free_bytes.checked_sub(row.len() as u64) {
            Some(left) => {
                self.free_bytes = left;
                self.out.write_all(row)
            }
            None => {
                // A shorter row further down would leave a gap that nobody sees.
                self.free_bytes = 0;
                self.unlisted += 1;
                Ok(())
            }
        }
    }
}

/// One line of the list.
fn record(line: u64, outcome: RowOutcome, column: Option<&str>, cause: &str) -> Vec<u8> {
    let cause = csv::guard(&cause.replace(char::is_control, " "));
    let line = line.to_string();
    let fields: [&str; 4] = [&line, outcome.word(), column.unwrap_or_default(), &cause];
    let mut row = Vec::with_capacity(64);
    csv::write_record(&mut row, fields).expect("memory takes every byte");
    row
}

/// The number that a line of the list begins with.
fn line_of(row: &[u8]) -> u64 {
    let digits = row.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn unwritable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Table {
        path: path.to_owned(),
        place: None,
        reason: format!("the list of rows that were not taken could not be written: {error}"),
        remedy: Some("Choose a folder you may write to, with enough space".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_would_grow_too_large_says_how_many_rows_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut left_out = LeftOut::bounded(&path, 30).unwrap();
        for line in [2, 3, 4] {
            left_out.add(line, RowOutcome::Refused, Some("batch"), "is blank").unwrap();
        }
        left_out.finish(&[5]).unwrap();
        left_out.keep().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["line,outcome,column,cause", "2,refused,batch,is blank"]);
        assert!(lines.len() == 3 && lines[2].starts_with(",,,3 more rows are not listed"), "{lines:?}");
    }

    #[test]
    fn a_list_that_is_not_kept_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "before").unwrap();
        let mut left_out = LeftOut::create(&path).unwrap();
        left_out.add(2, RowOutcome::Skipped, None, "the line is blank").unwrap();
        left_out.finish(&[]).unwrap();
        drop(left_out);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(LeftOut::create(folder.path()).is_err(), "a folder is no list");
    }
}
