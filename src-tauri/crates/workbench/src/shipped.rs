//! The templates that come with Assay: the files below `templates/`, compiled in.

use include_dir::{Dir, DirEntry, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../templates");

/// Name and text of each, in the order of names.
pub fn shipped() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    gather(&FILES, &mut found);
    found.sort();
    found
}

fn gather(folder: &'static Dir<'_>, found: &mut Vec<(String, &'static str)>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => gather(inner, found),
            DirEntry::File(file) => {
                let name = file.path().to_string_lossy().replace('\\', "/");
                // Readmes lie beside the templates.
                if let (false, Some(text)) = (name.ends_with(".md"), file.contents_utf8()) {
                    found.push((name, text));
                }
            }
        }
    }
}
