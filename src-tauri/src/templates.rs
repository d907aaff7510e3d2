//! The templates in use: those of the store, as one library.

use contract::{Failure, StoredTemplate, TemplateMerge, TemplateOffer, TemplateRow, VersionOrigin};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use store::{Store, StoreError};
use workbench::{Library, check};

/// Compiled once and kept until one of them changes.
#[derive(Default)]
pub struct Templates {
    kept: Mutex<Option<Arc<Library>>>,
}

impl Templates {
    /// Takes in what ships with this Assay. An edited template stays as it is.
    pub fn take_shipped(&self, store: &Store) -> Result<(), StoreError> {
        self.forget();
        let note = format!("Assay {}", env!("CARGO_PKG_VERSION"));
        // At most starts nothing is new, and reading the templates would hold up the window for nothing.
        store.take_shipped_templates(&workbench::shipped(), |name, text| Library::shipped().draft(name, text), &note)
    }

    pub fn list(&self, store: &Store) -> Result<Vec<TemplateRow>, StoreError> {
        let library = self.library(store)?;
        Ok(store.templates()?.into_iter().map(|stored| row(&library, stored)).collect())
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
        let mut texts = texts(store)?;
        texts.insert(name.to_owned(), text.to_owned());
        let draft = Library::new(texts).draft(name, text);
        store.save_template(&draft, origin, note.trim(), "You")?;
        self.forget();
        Ok(store.template(name)?)
    }

    fn library(&self, store: &Store) -> Result<Arc<Library>, StoreError> {
        let mut kept = self.kept.lock().expect("no holder of this lock panics");
        if let Some(library) = &*kept {
            return Ok(library.clone());
        }
        let library = Arc::new(Library::new(texts(store)?));
        *kept = Some(library.clone());
        Ok(library)
    }

    fn forget(&self) {
        *self.kept.lock().expect("no holder of this lock panics") = None;
    }
}

fn texts(store: &Store) -> Result<BTreeMap<String, String>, StoreError> {
    Ok(store.templates()?.into_iter().map(|template| (template.name, template.text)).collect())
}

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
