//! Tables of vectors looked up by id.

use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// The module's `weight` and its rows at the ids: `[batch, sequence]` to `[batch, sequence, width]`.
pub fn embedding(b: &mut GraphBuilder, ids: &Var, entries: usize, width: usize) -> (Var, Var) {
    let table = b.weight("weight", &[entries, width], Fill::Matrix);
    let rows = b.gather(&table, ids, 0);
    (table, rows)
}
