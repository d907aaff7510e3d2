//! What ran and what did not, by family of models and platform: from results alone.

use crate::Result;
use crate::columns::Cells;
use contract::{Compatibility, FamilySupport, Platform, SupportCell};
use duckdb::Connection;
use std::collections::BTreeMap;

/// A model counts as failed where none of its results on the platform may be ranked. Tables often leave the family
/// blank; such a model stands for itself.
const CELLS: &str = "WITH tried AS (
        SELECT coalesce(nullif(m.family, ''), m.name) AS family, m.name AS model, d.platform, r.key, r.evidence,
            r.withheld IS NULL AND r.median_ms IS NOT NULL AS ran,
            coalesce(r.withheld, r.message, 'the result has no time') AS reason
        FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
        JOIN devices d ON d.key = j.device WHERE r.deleted_at IS NULL AND r.evidence <> 'predicted')
    SELECT family, platform, count(DISTINCT model) FILTER (ran) AS models_run, count(DISTINCT model) AS models,
        count(*) FILTER (ran AND evidence = 'measured') AS measured,
        count(*) FILTER (ran AND evidence = 'imported') AS imported, count(*) FILTER (NOT ran) AS failed,
        arg_max(reason, key) FILTER (NOT ran) AS reason
    FROM tried GROUP BY family, platform ORDER BY family";

pub fn of(conn: &Connection) -> Result<Compatibility> {
    let mut statement = conn.prepare(CELLS)?;
    let mut rows = statement.query([])?;
    let mut families: BTreeMap<String, BTreeMap<Platform, SupportCell>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        let (models, models_run): (u32, u32) = (cells.get("models")?, cells.get("models_run")?);
        let cell = SupportCell {
            models_run,
            models_failed: models - models_run,
            measured: cells.get("measured")?,
            imported: cells.get("imported")?,
            failed: cells.get("failed")?,
            reason: cells.get("reason")?,
        };
        families.entry(cells.get("family")?).or_default().insert(cells.word("platform")?, cell);
    }
    let seen = |platform: &Platform| families.values().any(|cells| cells.contains_key(platform));
    let platforms: Vec<Platform> =
        Platform::ALL.iter().copied().filter(|platform| *platform != Platform::Other || seen(platform)).collect();
    let families = families
        .into_iter()
        .map(|(family, mut cells)| FamilySupport {
            family,
            cells: platforms.iter().map(|platform| cells.remove(platform)).collect(),
        })
        .collect();
    Ok(Compatibility { platforms, families })
}
