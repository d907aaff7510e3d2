//! Ways to lay the rows out as works × configurations.

use super::frame::{Frame, Names};
use std::collections::HashMap;

/// Which of the things that may vary belong to the work, and which to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A work is a model at a size; batches share it, as times are per sample.
    Sized,
    /// A work is a model at a size and batch.
    Batched,
    /// A work is a model; size and batch belong to the configuration.
    Bare,
}

/// The layout of one table.
pub struct Keying {
    pub row: Vec<u32>,
    pub column: Vec<u32>,
    /// The model of each work.
    pub kin: Vec<u32>,
    pub row_features: Vec<f64>,
    pub row_width: usize,
    pub column_features: Vec<f64>,
    pub column_width: usize,
}

/// More indicator features than this and pairs of names are left out.
const MOST_INDICATORS: usize = 160;

impl Keying {
    /// `None` where the layout says nothing that [`Layout::Sized`] does not.
    pub fn new(frame: &Frame, layout: Layout) -> Option<Self> {
        let rows = frame.rows();
        let key = |values: &[f64], at: usize| bucket(values[at]);
        let in_row = layout == Layout::Batched;
        let in_column = layout == Layout::Bare;
        let (row, row_first) = group(rows, |at| {
            let size = if in_column { 0 } else { key(&frame.size, at) };
            let batch = if in_row { key(&frame.batch, at) } else { 0 };
            [i64::from(frame.model.id[at]), size, batch, 0, 0, 0, 0, 0, 0]
        });
        let (column, column_first) = group(rows, |at| {
            let (size, batch) = if in_column { (key(&frame.size, at), key(&frame.batch, at)) } else { (0, 0) };
            [
                i64::from(frame.hardware.id[at]),
                i64::from(frame.runtime.id[at]),
                i64::from(frame.precision.id[at]),
                i64::from(frame.mode.id[at]),
                i64::from(frame.software.id[at]),
                key(&frame.devices, at),
                key(&frame.threads, at),
                size,
                batch,
            ]
        });
        if layout != Layout::Sized {
            let (plain, _) =
                group(rows, |at| [i64::from(frame.model.id[at]), key(&frame.size, at), 0, 0, 0, 0, 0, 0, 0]);
            if plain == row || row_first.len() * 2 > frame.known || column_first.len() * 4 > frame.known {
                return None;
            }
        }
        let (row_features, row_width) = row_features(frame, &row, row_first.len(), layout);
        let (column_features, column_width) = column_features(frame, &column_first, layout);
        let kin = row_first.iter().map(|at| frame.model.id[*at]).collect();
        Some(Self { row, column, kin, row_features, row_width, column_features, column_width })
    }
}

/// Numbers that differ by less than a hundredth or so count as the same; a blank is like a blank.
pub fn bucket(log: f64) -> i64 {
    if log.is_nan() { i64::MIN } else { (log * 64.0).round() as i64 }
}

/// Ids by first appearance, and the row each appeared in first.
fn group<const N: usize>(rows: usize, key: impl Fn(usize) -> [i64; N]) -> (Vec<u32>, Vec<usize>) {
    let mut ids: HashMap<[i64; N], u32> = HashMap::new();
    let mut first = Vec::new();
    let of = (0..rows)
        .map(|at| {
            let next = first.len() as u32;
            *ids.entry(key(at)).or_insert_with(|| {
                first.push(at);
                next
            })
        })
        .collect();
    (of, first)
}

/// 1, the standardised logarithms of what is known of each work, their squares and products, and what is blank.
fn row_features(frame: &Frame, row: &[u32], rows: usize, layout: Layout) -> (Vec<f64>, usize) {
    let mut known: Vec<Vec<f64>> = Vec::new();
    let mut blank: Vec<Vec<f64>> = Vec::new();
    let sources: [(&[f64], bool); 5] = [
        (&frame.parameters, true),
        (&frame.macs, true),
        (&frame.activations, true),
        (&frame.size, layout != Layout::Bare),
        (&frame.batch, layout == Layout::Batched),
    ];
    for (values, _) in sources.iter().filter(|(_, used)| *used) {
        let mut of_row = vec![f64::NAN; rows];
        for (at, row) in row.iter().enumerate() {
            if of_row[*row as usize].is_nan() {
                of_row[*row as usize] = values[at];
            }
        }
        if let Some(values) = standardised(&of_row) {
            if of_row.iter().any(|value| value.is_nan()) {
                blank.push(of_row.iter().map(|value| f64::from(u8::from(value.is_nan()))).collect());
            }
            known.push(values);
        }
    }
    let mut columns = vec![vec![1.0; rows]];
    for i in 0..known.len() {
        for j in i..known.len() {
            columns.push(known[i].iter().zip(&known[j]).map(|(a, b)| a * b).collect());
        }
    }
    columns.extend(known);
    columns.extend(blank);
    interleaved(&columns, rows)
}

/// 1, indicators of each name and of pairs with the hardware, and the numbers of the configuration.
fn column_features(frame: &Frame, first: &[usize], layout: Layout) -> (Vec<f64>, usize) {
    let count = first.len();
    let mut columns = vec![vec![1.0; count]];
    let hardware = &frame.hardware;
    let singles: [&Names; 5] = [hardware, &frame.runtime, &frame.precision, &frame.mode, &frame.software];
    for names in singles {
        if names.count > 1 && names.count + columns.len() <= MOST_INDICATORS {
            indicators(&mut columns, first, |at| u64::from(names.id[at]));
        }
    }
    for names in [&frame.precision, &frame.runtime, &frame.mode] {
        if names.count > 1 && hardware.count > 1 && names.count * hardware.count + columns.len() <= MOST_INDICATORS {
            indicators(&mut columns, first, |at| u64::from(names.id[at]) << 32 | u64::from(hardware.id[at]));
        }
    }
    let numbers: [(&[f64], bool); 4] = [
        (&frame.devices, true),
        (&frame.threads, true),
        (&frame.size, layout == Layout::Bare),
        (&frame.batch, layout == Layout::Bare),
    ];
    for (values, _) in numbers.iter().filter(|(_, used)| *used) {
        let values: Vec<f64> = first.iter().map(|at| values[*at]).collect();
        columns.extend(standardised(&values));
    }
    interleaved(&columns, count)
}

fn indicators(columns: &mut Vec<Vec<f64>>, first: &[usize], key: impl Fn(usize) -> u64) {
    let mut seen: Vec<u64> = first.iter().map(|at| key(*at)).collect();
    seen.sort_unstable();
    seen.dedup();
    for value in seen {
        columns.push(first.iter().map(|at| f64::from(u8::from(key(*at) == value))).collect());
    }
}

/// Mean 0 and deviation 1, blanks at 0; `None` where nothing varies.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if known.len() < 3 {
        return None;
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let deviation = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
    (deviation > 1e-6)
        .then(|| values.iter().map(|value| if value.is_nan() { 0.0 } else { (value - mean) / deviation }).collect())
}

fn interleaved(columns: &[Vec<f64>], rows: usize) -> (Vec<f64>, usize) {
    let width = columns.len();
    let mut matrix = Vec::with_capacity(rows * width);
    for row in 0..rows {
        matrix.extend(columns.iter().map(|column| column[row]));
    }
    (matrix, width)
}
