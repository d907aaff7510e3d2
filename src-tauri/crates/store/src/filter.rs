//! The one filter of matrix, charts and results, as a condition over `runs r`.

use crate::columns::{Word, text, word};
use contract::{Filter, RunOrder};
use duckdb::types::Value;

/// A condition with the values for its marks.
pub struct Condition {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Condition {
    /// Of results that are not deleted and pass the filter.
    pub fn of(filter: &Filter) -> Self {
        Self::where_also("r.deleted_at IS NULL", filter)
    }

    /// Of deleted results that pass the filter.
    pub fn of_deleted(filter: &Filter) -> Self {
        Self::where_also("r.deleted_at IS NOT NULL", filter)
    }

    fn where_also(sql: &str, filter: &Filter) -> Self {
        let mut condition = Self { sql: sql.into(), values: Vec::new() };
        condition.subjects(filter);
        condition.any("r.precision", words(&filter.precisions));
        condition.any("r.mode", words(&filter.modes));
        condition.any("r.batch", filter.batches.iter().map(|batch| Value::UInt(*batch)).collect());
        condition.any("r.size", filter.sizes.iter().map(|size| Value::UInt(*size)).collect());
        condition.any("r.evidence", words(&filter.evidence));
        for part in filter.search.split_whitespace() {
            condition.search(part);
        }
        condition
    }

    pub fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn any(&mut self, column: &str, values: Vec<Value>) {
        if !values.is_empty() {
            let marks = vec!["?"; values.len()].join(", ");
            self.and(&format!("{column} IN ({marks})"), values);
        }
    }

    /// What a subject knows is asked of the few subjects, not of the many results.
    fn subjects(&mut self, filter: &Filter) {
        let mut inner = Self { sql: "true".into(), values: Vec::new() };
        inner.any("m.family", filter.families.iter().map(text).collect());
        inner.any("m.name", filter.models.iter().map(text).collect());
        inner.any("e.id", filter.engines.iter().map(|id| text(&id.0)).collect());
        inner.any("d.platform", words(&filter.platforms));
        if !inner.values.is_empty() {
            self.and(&format!("r.subject IN ({SUBJECTS} WHERE {})", inner.sql), inner.values);
        }
    }

    fn search(&mut self, part: &str) {
        let about = "concat_ws(' ', m.name, m.family, e.id, d.id, d.name)";
        let sql = format!(
            "(r.subject IN ({SUBJECTS} WHERE contains(lower({about}), lower(?)))
              OR (r.note <> '' AND contains(lower(r.note), lower(?))))"
        );
        self.and(&sql, [text(part), text(part)]);
    }
}

const SUBJECTS: &str = "SELECT j.key FROM subjects j JOIN models m ON m.key = j.model
    JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device";

fn words<T: Word + Copy>(values: &[T]) -> Vec<Value> {
    values.iter().map(|value| word(*value)).collect()
}

/// What `ORDER BY` needs; the key breaks ties, so that pages do not overlap.
pub fn order(order: RunOrder) -> &'static str {
    match order {
        RunOrder::Newest => "r.started_at DESC NULLS LAST, r.key DESC",
        RunOrder::Oldest => "r.started_at ASC NULLS LAST, r.key",
        RunOrder::Fastest => "r.median_ms ASC NULLS LAST, r.key",
        RunOrder::Slowest => "r.median_ms DESC NULLS LAST, r.key",
        RunOrder::Model => {
            "(SELECT m.name FROM subjects j JOIN models m ON m.key = j.model WHERE j.key = r.subject), r.key"
        }
    }
}
