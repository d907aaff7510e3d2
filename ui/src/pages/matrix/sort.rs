//! The order of the matrix's rows: by name, or by the figures of one column.

use contract::{Matrix, MatrixCell, MatrixRow};
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// None sorts by model name.
    pub column: Option<usize>,
    pub reversed: bool,
}

impl Sort {
    /// What a press on a column's head leads to: best first, then worst first.
    pub fn pressed(self, column: Option<usize>) -> Self {
        Self { column, reversed: self.column == column && !self.reversed }
    }

    /// In the words of `aria-sort`.
    pub fn aria(self, column: Option<usize>) -> &'static str {
        match (self.column == column, self.reversed) {
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
        let Some(column) = self.column else {
            return turned(one.model.cmp(&other.model));
        };
        match (figure(one, column), figure(other, column)) {
            (Some(one), Some(other)) if matrix.metric.smaller_is_better() => turned(one.total_cmp(&other)),
            (Some(one), Some(other)) => turned(other.total_cmp(&one)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => one.model.cmp(&other.model),
        }
    }
}

fn figure(row: &MatrixRow, column: usize) -> Option<f64> {
    match row.cells.get(column) {
        Some(MatrixCell::Figure { value, .. }) => Some(*value),
        _ => None,
    }
}
