//! Gradient boosting, behind the one door that forecasts need.

mod trees;

pub use trees::Trees;

/// A table of features, row-major; a blank is NaN.
pub struct Features {
    pub width: usize,
    pub values: Vec<f32>,
}

impl Features {
    pub fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }

    pub fn rows(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    pub fn selected(&self, rows: &[usize]) -> Self {
        Self { width: self.width, values: rows.iter().flat_map(|row| self.row(*row)).copied().collect() }
    }
}

/// Learns a number from features.
pub trait Booster {
    /// One target for each row. `None` where there is too little to learn from.
    fn learn(&self, features: &Features, targets: &[f64]) -> Option<Box<dyn Learned>>;
}

/// What was learned.
pub trait Learned: Send + Sync {
    /// A number for each row.
    fn predict(&self, features: &Features) -> Vec<f64>;
}
