//! Two versions side by side, and three brought together.

use diffy::{DiffOptions, Line, MergeOptions};

/// A line of two versions side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    Same(String),
    Removed(String),
    Added(String),
}

/// Lines around a change that are shown: all of them.
const MORE_THAN_ANY_FILE: usize = 1 << 20;

/// Every line of both, without line ends.
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    if old == new {
        return old.lines().map(|line| DiffLine::Same(line.to_owned())).collect();
    }
    let mut options = DiffOptions::new();
    options.set_context_len(MORE_THAN_ANY_FILE);
    let patch = options.create_patch(old, new);
    let text = |line: &str| line.trim_end_matches(['\n', '\r']).to_owned();
    patch
        .hunks()
        .iter()
        .flat_map(|hunk| hunk.lines())
        .map(|line| match line {
            Line::Context(line) => DiffLine::Same(text(line)),
            Line::Delete(line) => DiffLine::Removed(text(line)),
            Line::Insert(line) => DiffLine::Added(text(line)),
        })
        .collect()
}

/// Both changes of a text in one. Where they touch the same lines both stand between marks, for a person to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    pub has_conflicts: bool,
}

pub fn merge(base: &str, ours: &str, theirs: &str) -> Merged {
    match MergeOptions::new().merge(base, ours, theirs) {
        Ok(text) => Merged { text, has_conflicts: false },
        Err(text) => Merged { text, has_conflicts: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_different_lines_come_together() {
        let base = "a\nb\nc\nd\ne\n";
        let merged = merge(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
        assert_eq!((merged.text.as_str(), merged.has_conflicts), ("A\nb\nc\nd\nE\n", false));
        assert!(merge(base, "A\nb\nc\nd\ne\n", "Z\nb\nc\nd\ne\n").has_conflicts);
    }

    #[test]
    fn a_difference_has_every_line_of_both() {
        let (same, removed, added) =
            (DiffLine::Same("a".into()), DiffLine::Removed("b".into()), DiffLine::Added("B".into()));
        assert_eq!(diff("a\nb\n", "a\nB\n"), [same.clone(), removed, added]);
        assert_eq!(diff("a\n", "a\n"), [same]);
    }
}
