//! Every version of every template, and which of them is in use.

use super::{Migration, template_dependencies, template_helpers, template_validations, template_variables, templates};
use crate::columns::{Cells, insert, next_key, text, time, word};
use crate::{Result, StoreError};
use contract::{StoredTemplate, TemplateDraft, TemplateOffer, TemplateVersion, VersionOrigin};
use duckdb::{Connection, params};
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 2,
        sql: "CREATE TABLE template_versions (
            key INTEGER PRIMARY KEY,
            template INTEGER NOT NULL REFERENCES templates (key),
            number UINTEGER NOT NULL,
            text VARCHAR NOT NULL,
            kind VARCHAR NOT NULL,
            note VARCHAR NOT NULL,
            author VARCHAR NOT NULL,
            saved_at TIMESTAMP_NS NOT NULL,
            origin VARCHAR NOT NULL,
            released BOOLEAN NOT NULL,
            UNIQUE (template, number)
        );",
    },
    // Version 4 kept here which versions are trusted, so that a store from someone else brought its own trust.
    Migration { version: 5, sql: "DROP TABLE IF EXISTS trusted_templates;" },
];

/// Keeps a version with all that was read from it; answers its number.
pub fn add(
    conn: &Connection,
    draft: &TemplateDraft,
    origin: VersionOrigin,
    (note, author): (&str, &str),
    now: Timestamp,
) -> Result<u32> {
    let template = templates::know(conn, &draft.name)?;
    let sql = "SELECT coalesce(max(number), 0) + 1 FROM template_versions WHERE template = ?";
    let number: u32 = conn.query_row(sql, params![template], |row| row.get(0))?;
    let key = next_key(conn, "template_versions")?;
    let row = vec![
        ("key", key.into()),
        ("template", template.into()),
        ("number", number.into()),
        ("text", text(&draft.text)),
        ("kind", text(&draft.kind)),
        ("note", text(note)),
        ("author", text(author)),
        ("saved_at", time(now)),
        ("origin", word(origin)),
        ("released", false.into()),
    ];
    insert(conn, "template_versions", row)?;
    template_variables::add(conn, key, &draft.variables)?;
    template_helpers::add(conn, key, &draft.helpers)?;
    template_dependencies::add(conn, key, &draft.needs)?;
    template_validations::add(conn, key, &draft.problems, now)?;
    Ok(number)
}

/// Newest first.
pub fn history(conn: &Connection, name: &str) -> Result<Vec<TemplateVersion>> {
    let template = templates::key_of(conn, name)?;
    let mut statement = conn.prepare(
        "SELECT * EXCLUDE (saved_at), epoch_ns(saved_at) AS saved_at FROM template_versions
         WHERE template = ? ORDER BY number DESC",
    )?;
    let mut rows = statement.query(params![template])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        versions.push(TemplateVersion {
            number: cells.get("number")?,
            text: cells.get("text")?,
            note: cells.get("note")?,
            author: cells.get("author")?,
            saved_at: cells.time("saved_at")?,
            origin: cells.word("origin")?,
            released: cells.get("released")?,
        });
    }
    Ok(versions)
}

/// How a template stands; none where no version is in use.
pub fn stored(conn: &Connection, name: &str) -> Result<Option<StoredTemplate>> {
    let versions = history(conn, name)?;
    let Some(used) = in_use(&versions) else { return Ok(None) };
    Ok(Some(StoredTemplate {
        name: name.to_owned(),
        text: used.text.clone(),
        version: used.number,
        edited: used.origin != VersionOrigin::Shipped,
        released: versions.iter().find(|version| version.released).map(|version| version.number),
        offered: pending(&versions).map(|version| version.number),
    }))
}

/// Takes in what came with this Assay: a template that nobody edited follows or goes, for an edited one it is offered.
pub fn take_shipped(
    conn: &Connection,
    shipped: &[(String, &str)],
    read: impl Fn(&str, &str) -> TemplateDraft,
    note: &str,
    now: Timestamp,
) -> Result<()> {
    let known = templates::names(conn)?;
    for (name, text) in shipped {
        let versions = if known.contains(name) { history(conn, name)? } else { Vec::new() };
        let ships =
            |version: &&TemplateVersion| matches!(version.origin, VersionOrigin::Shipped | VersionOrigin::Offered);
        let used = in_use(&versions);
        let edited = used.filter(|used| used.origin != VersionOrigin::Shipped);
        // Only beside what a person edited may the same text wait unused.
        let newest = if edited.is_some() { versions.iter().find(ships) } else { used };
        if newest.is_some_and(|newest| newest.text == *text) {
            continue;
        }
        let origin = match edited {
            Some(edited) if edited.text != *text => VersionOrigin::Offered,
            _ => VersionOrigin::Shipped,
        };
        add(conn, &read(name, text), origin, (note, "Assay"), now)?;
    }
    for name in known.into_iter().filter(|name| shipped.iter().all(|(ships, _)| ships != name)) {
        let versions = history(conn, &name)?;
        if let Some(used) = in_use(&versions).filter(|used| used.origin == VersionOrigin::Shipped) {
            let gone = TemplateDraft { name, text: used.text.clone(), ..TemplateDraft::default() };
            add(conn, &gone, VersionOrigin::Removed, (note, "Assay"), now)?;
        }
    }
    Ok(())
}

/// The three sides of the merge that an update calls for; none where nothing is offered.
pub fn offer(conn: &Connection, name: &str) -> Result<Option<TemplateOffer>> {
    let versions = history(conn, name)?;
    let (Some(used), Some(offered)) = (in_use(&versions), pending(&versions)) else { return Ok(None) };
    let base = versions.iter().find(|version| {
        version.number < offered.number
            && (version.origin == VersionOrigin::Shipped
                || version.origin == VersionOrigin::Offered && version.number < used.number)
    });
    let base = base.map(|version| version.text.clone()).unwrap_or_default();
    Ok(Some(TemplateOffer { base, ours: used.text.clone(), offered: offered.text.clone() }))
}

pub fn tag(conn: &Connection, name: &str, number: u32, released: bool) -> Result<()> {
    let template = templates::key_of(conn, name)?;
    let sql = "UPDATE template_versions SET released = ? WHERE template = ? AND number = ?";
    match conn.execute(sql, params![released, template, number])? {
        0 => Err(StoreError::NoTemplate(format!("{name}, version {number}"))),
        _ => Ok(()),
    }
}

fn in_use(versions: &[TemplateVersion]) -> Option<&TemplateVersion> {
    let newest = versions.iter().find(|version| version.origin != VersionOrigin::Offered);
    newest.filter(|version| version.origin != VersionOrigin::Removed)
}

/// The newest offer, unless it was merged since.
fn pending(versions: &[TemplateVersion]) -> Option<&TemplateVersion> {
    let settled = |version: &&TemplateVersion| {
        matches!(version.origin, VersionOrigin::Offered | VersionOrigin::Merged | VersionOrigin::Shipped)
    };
    versions.iter().find(settled).filter(|newest| newest.origin == VersionOrigin::Offered)
}
