//! Templates whose Python may run: those that this Assay ships, and those that this person trusts. The person's word is
//! kept beside the stores, for a store may come from someone else and would bring its own.

use crate::{desk::Desk, place::Place};
use contract::Failure;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// What may run.
pub struct Trusted {
    shipped: BTreeMap<String, &'static str>,
    said: BTreeSet<String>,
}

impl Trusted {
    /// With these hashes.
    pub fn new(said: BTreeSet<String>) -> Self {
        Self { shipped: workbench::shipped().into_iter().collect(), said }
    }

    /// Told by the text alone: what a store says of where it comes from counts for nothing.
    pub fn holds(&self, name: &str, text: &str) -> bool {
        self.shipped.get(name).is_some_and(|shipped| *shipped == text) || self.said.contains(&hash(name, text))
    }
}

impl Desk {
    /// A file that cannot be read is told, and nothing in it is trusted.
    pub(crate) fn trusted(&self) -> Trusted {
        let said = read(&self.place.trusted_templates()).unwrap_or_else(|failure| {
            self.warn(format!("No template is trusted but those that came with Assay: {failure}."));
            BTreeSet::new()
        });
        Trusted::new(said)
    }
}

/// Has these names and texts trusted from now on. A file that is damaged is begun anew.
pub fn add(place: &Place, templates: &[(String, String)]) -> Result<(), Failure> {
    let file = place.trusted_templates();
    let mut said = read(&file).unwrap_or_default();
    said.extend(templates.iter().map(|(name, text)| hash(name, text)));
    write(&file, &said).map_err(|e| Failure::broken("remembering which templates are trusted", e))
}

/// A hash a line.
fn read(file: &Path) -> Result<BTreeSet<String>, Failure> {
    let unreadable = |reason: String| {
        Failure::bad_input(file.display().to_string(), reason)
            .remedy("It is written anew when you say again that you trust a template")
    };
    let text = match fs::read_to_string(file) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        read => read.map_err(|e| unreadable(format!("it cannot be read: {e}")))?,
    };
    let is_hash = |line: &str| line.len() == 64 && line.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.lines().position(|line| !is_hash(line)) {
        None => Ok(text.lines().map(str::to_owned).collect()),
        Some(at) => Err(unreadable("it is damaged".to_owned()).at(format!("line {}", at + 1))),
    }
}

/// Whole or not at all.
fn write(file: &Path, said: &BTreeSet<String>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let half = half_of(file);
    let written = fs::File::create(&half).and_then(|mut out| {
        for hash in said {
            writeln!(out, "{hash}")?;
        }
        out.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&half, file));
    if moved.is_err() {
        // Of no use to anyone; the first error is the one to tell.
        let _ = fs::remove_file(&half);
    }
    moved
}

/// Another Assay may write at the same moment.
fn half_of(file: &Path) -> PathBuf {
    file.with_extension(format!("{}.part", Uuid::now_v7()))
}

/// SHA-256 in hexadecimal. The length keeps name and text apart.
fn hash(name: &str, text: &str) -> String {
    let hash = Sha256::new().chain_update(name.len().to_string()).chain_update([0_u8]).chain_update(name);
    hash.chain_update(text).finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(place: &Place) -> Trusted {
        Trusted::new(read(&place.trusted_templates()).unwrap())
    }

    #[test]
    fn what_ships_is_trusted_by_its_text_and_everything_else_by_ones_word() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(&folder.path().join("not/there/yet"));
        let (name, text) = workbench::shipped().swap_remove(0);
        assert!(trusted(&place).holds(&name, text));
        assert!(!trusted(&place).holds("another.py", text), "the name says what it is used for");
        let mine = format!("{text}# mine");
        assert!(!trusted(&place).holds(&name, &mine));
        add(&place, &[(name.clone(), mine.clone())]).unwrap();
        add(&place, &[("b.py".into(), "b".into())]).unwrap();
        let known = trusted(&place);
        assert!(known.holds(&name, &mine) && known.holds("b.py", "b"));
        assert!(!known.holds(&name, "b") && !known.holds("b.p", "yb"));
        assert_eq!(fs::read_dir(folder.path().join("not/there/yet")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_told_and_trusts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        add(&place, &[("a.py".into(), "a".into())]).unwrap();
        let file = place.trusted_templates();
        let sound = fs::read_to_string(&file).unwrap();
        for damaged in [format!("{sound}x\n"), sound[..40].to_owned(), sound.to_uppercase()] {
            fs::write(&file, damaged).unwrap();
            let told = read(&file).unwrap_err().to_string();
            assert!(told.contains("trusted-templates.txt") && told.contains("damaged"), "{told}");
        }
        add(&place, &[("b.py".into(), "b".into())]).unwrap();
        assert!(trusted(&place).holds("b.py", "b") && !trusted(&place).holds("a.py", "a"));
    }
}
