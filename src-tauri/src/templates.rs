//! The templates in use: those of the store, as one library.

use crate::trust::Trusted;
use contract::{
    Failure, StoredTemplate, TemplateDraft, TemplateHit, TemplateMerge, TemplateOffer, TemplateRow, TemplateVersion,
    VersionOrigin,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use store::{Store, StoreError};
use workbench::{Library, check};

/// Compiled once and kept until one of them changes.
#[derive(Default)]
pub struct Templates {
    kept: Mutex<Option<Arc<InUse>>>,
    tried: Mutex<Option<Tried>>,
}

/// The templates of the store as texts and as a library, which lacks those that cannot be read.
struct InUse {
    texts: BTreeMap<String, String>,
    library: Arc<Library>,
}

/// The library with the text that a person is typing: each text is read and previewed, and compiled once.
struct Tried {
    name: String,
    text: String,
    library: Arc<Library>,
}

impl Templates {
    /// Takes in what ships with this Assay. An edited template stays as it is.
    pub fn take_shipped(&self, store: &Store) -> Result<(), StoreError> {
        self.forget();
        let note = format!("Assay {}", env!("CARGO_PKG_VERSION"));
        // At most starts nothing is new, and reading the templates would hold up the window for nothing.
        store.take_shipped_templates(&workbench::shipped(), |name, text| Library::shipped().draft(name, text), &note)
    }

    pub fn list(&self, store: &Store, trusted: &Trusted) -> Result<Vec<TemplateRow>, StoreError> {
        let library = self.library(store)?;
        let unsaved = store.unsaved_templates()?;
        let row = |stored: StoredTemplate| TemplateRow {
            unsaved: unsaved.contains(&stored.name),
            trusted: trusted.holds(&stored.name, &stored.text),
            ..row(&library, stored)
        };
        Ok(store.templates()?.into_iter().map(row).collect())
    }

    /// The templates in use, where all that they make may run.
    ///
    /// # Errors
    /// Where some of them are not trusted.
    pub fn trusted_library(&self, store: &Store, trusted: &Trusted) -> Result<Arc<Library>, Failure> {
        let in_use = self.in_use(store)?;
        let foreign = in_use.texts.iter().filter(|(name, text)| !trusted.holds(name, text));
        let names: Vec<&str> = foreign.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return Ok(in_use.library.clone());
        }
        let reason = format!("these templates are not as they came with Assay: {}", names.join(", "));
        Err(Failure::bad_input("Run", reason).remedy("Read them, and say on the page Templates that you trust them"))
    }

    /// Keeps a text as a new version, with all that is read from it. The name must be plain: see `check_name`.
    pub fn keep(
        &self,
        store: &Store,
        name: &str,
        text: &str,
        origin: VersionOrigin,
        note: &str,
    ) -> Result<StoredTemplate, Failure> {
        check_name(name)?;
        let draft = self.with_text(store, name, text)?.draft(name, text);
        store.save_template(&draft, origin, note.trim(), "You")?;
        self.forget();
        Ok(store.template(name)?)
    }

    /// Takes one out of use. What came with Assay would be back at the next start.
    pub fn remove(&self, store: &Store, name: &str) -> Result<(), Failure> {
        let ships =
            |version: &TemplateVersion| matches!(version.origin, VersionOrigin::Shipped | VersionOrigin::Offered);
        if store.template_history(name)?.iter().any(ships) {
            return Err(Failure::bad_input(name, "it came with Assay and is needed by others")
                .remedy("Restore the version that came with Assay to undo what was changed"));
        }
        let text = store.template(name)?.text;
        let gone = TemplateDraft { name: name.to_owned(), text, ..TemplateDraft::default() };
        store.save_template(&gone, VersionOrigin::Removed, "", "You")?;
        self.forget();
        Ok(())
    }

    pub fn library(&self, store: &Store) -> Result<Arc<Library>, StoreError> {
        Ok(self.in_use(store)?.library.clone())
    }

    /// The templates in use, with this text in place of one of them or beside them.
    pub fn with_text(&self, store: &Store, name: &str, text: &str) -> Result<Arc<Library>, StoreError> {
        let in_use = self.in_use(store)?;
        if in_use.texts.get(name).is_some_and(|known| known == text) {
            return Ok(in_use.library.clone());
        }
        let mut tried = self.tried.lock().expect("no holder of this lock panics");
        if let Some(tried) = tried.as_ref().filter(|tried| tried.name == name && tried.text == text) {
            return Ok(tried.library.clone());
        }
        let library = Arc::new(in_use.library.with(name, text));
        *tried = Some(Tried { name: name.to_owned(), text: text.to_owned(), library: library.clone() });
        Ok(library)
    }

    /// Lines that hold this text, letters of either case.
    pub fn find(&self, store: &Store, text: &str) -> Result<Vec<TemplateHit>, StoreError> {
        let wanted = text.to_lowercase();
        let in_use = self.in_use(store)?;
        let hits = in_use.texts.iter().flat_map(|(name, text)| {
            let numbered = text.lines().zip(1..).filter(|(line, _)| line.to_lowercase().contains(&wanted));
            numbered.map(|(line, number)| TemplateHit { template: name.clone(), line: number, text: line.to_owned() })
        });
        Ok(hits.take(MOST_HITS).collect())
    }

    fn in_use(&self, store: &Store) -> Result<Arc<InUse>, StoreError> {
        let mut kept = self.kept.lock().expect("no holder of this lock panics");
        if let Some(in_use) = &*kept {
            return Ok(in_use.clone());
        }
        let texts: BTreeMap<String, String> =
            store.templates()?.into_iter().map(|template| (template.name, template.text)).collect();
        let library = Arc::new(Library::new(texts.clone()));
        let in_use = Arc::new(InUse { texts, library });
        *kept = Some(in_use.clone());
        Ok(in_use)
    }

    fn forget(&self) {
        *self.kept.lock().expect("no holder of this lock panics") = None;
        *self.tried.lock().expect("no holder of this lock panics") = None;
    }
}

/// More lines than anyone reads through.
const MOST_HITS: usize = 200;

fn row(library: &Library, stored: StoredTemplate) -> TemplateRow {
    let front = library.templates().get(&stored.name).map(|template| &template.front);
    TemplateRow {
        kind: front.map(|front| front.kind.key().to_owned()).unwrap_or_default(),
        about: front.map(|front| front.about.clone()).unwrap_or_default(),
        family: front.and_then(|front| front.family.clone()),
        model_type: front.and_then(|front| front.model_type.clone()),
        extends: front.and_then(|front| front.extends.clone()),
        problems: u32::try_from(check(library, &stored.name).len()).unwrap_or(u32::MAX),
        name: stored.name,
        version: stored.version,
        edited: stored.edited,
        released: stored.released,
        offered: stored.offered,
        unsaved: false,
        trusted: false,
    }
}

pub fn merged(offer: &TemplateOffer) -> TemplateMerge {
    let merged = workbench::merge(&offer.base, &offer.ours, &offer.offered);
    TemplateMerge { text: merged.text, has_conflicts: merged.has_conflicts }
}

/// A path below the templates folder, in plain letters, so that it can be a file's name on every system.
fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if name.len() <= 120 && name.split('/').all(plain) {
        return Ok(());
    }
    Err(Failure::bad_input(name, "it is not a name for a template")
        .remedy("Use letters, digits, - and _, with / between folders: test/mine.py"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_store_cannot_say_that_a_text_came_with_assay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("theirs.duckdb")).unwrap();
        let draft = |name: &str, text: &str| TemplateDraft {
            name: name.to_owned(),
            text: text.to_owned(),
            ..TemplateDraft::default()
        };
        let take = |shipped: &[(String, &str)]| store.take_shipped_templates(shipped, draft, "").unwrap();
        let run = || Templates::default().trusted_library(&store, &Trusted::new(BTreeSet::new()));
        let shipped = workbench::shipped();
        let (name, text) = &shipped[0];
        take(&[(name.clone(), "hostile")]);
        assert!(!store.template(name).unwrap().edited, "so the store says");
        assert!(run().err().unwrap().to_string().contains(name));
        take(&[(name.clone(), *text)]);
        assert!(run().is_ok());
    }
}
