//! The order of the matrix's rows: by name, or by the figures of one column.

use contract::{Evidence, Matrix, MatrixCell, MatrixRow, TaskUnit};
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// What was measured on this machine first, then by name: a large import does not bury it.
    #[default]
    HereFirst,
    Name,
    Column(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    pub by: By,
    pub reversed: bool,
}

impl Sort {
    /// What a press on a head leads to: best first, then worst first.
    pub fn pressed(self, by: By) -> Self {
        Self { by, reversed: self.by == by && !self.reversed }
    }

    /// In the words of `aria-sort`.
    pub fn aria(self, by: By) -> &'static str {
        match (self.by == by, self.reversed) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    /// Indices of the matrix's rows in this order. Rows without a figure come last either way.
    pub fn order(self, matrix: &Matrix) -> Vec<usize> {
        let mut order: Vec<usize> = (0..matrix.rows.len()).collect();
        order.sort_by(|one, other| self.compare(matrix, &matrix.rows[*one], &matrix.rows[*other]));
        order
    }

    fn compare(self, matrix: &Matrix, one: &MatrixRow, other: &MatrixRow) -> Ordering {
        let turned = |order: Ordering| if self.reversed { order.reverse() } else { order };
        let by_name = one.model.cmp(&other.model);
        let column = match self.by {
            By::HereFirst => return is_measured(other).cmp(&is_measured(one)).then(by_name),
            By::Name => return turned(by_name),
            By::Column(column) => column,
        };
        match (figure(one, column), figure(other, column)) {
            // Tokens and images a second have no order between them.
            (Some((task, _)), Some((other, _))) if task != other => task.cmp(&other),
            (Some((_, one)), Some((_, other))) if matrix.metric.smaller_is_better() => turned(one.total_cmp(&other)),
            (Some((_, one)), Some((_, other))) => turned(other.total_cmp(&one)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => by_name,
        }
    }
}

fn is_measured(row: &MatrixRow) -> bool {
    row.cells
        .iter()
        .any(|cell| matches!(cell, MatrixCell::Figure { evidence: Evidence::Measured, .. } | MatrixCell::Failed { .. }))
}

/// With the unit that a throughput is told in.
fn figure(row: &MatrixRow, column: usize) -> Option<(Option<TaskUnit>, f64)> {
    let cell = row.cells.get(column)?;
    match cell {
        MatrixCell::Figure { value, .. } | MatrixCell::Predicted { value, .. } => Some((cell.task(), *value)),
        _ => None,
    }
}
