//! Rows that are copies of others: one run listed again, under another software or date, teaches nothing new.

use crate::table::Measurement;
use std::collections::HashSet;

/// The rows without copies, and how many were dropped. A copy agrees in everything that was run and in every digit of
/// the time; the first one stays.
pub fn without_copies<'a>(rows: &[&'a Measurement]) -> (Vec<&'a Measurement>, usize) {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    let mut seen = HashSet::new();
    let kept: Vec<&Measurement> = rows
        .iter()
        .filter(|row| {
            let names = [&row.model, &row.hardware, &row.runtime, &row.precision, &row.mode];
            let numbers = [row.batch, row.size, row.devices, row.threads, row.parameters, row.macs, row.latency_ms];
            seen.insert((names, numbers.map(bits)))
        })
        .copied()
        .collect();
    let dropped = rows.len() - kept.len();
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_copied_under_another_name_counts_once() {
        let row = |software: &str, latency_ms| Measurement {
            model: "m".into(),
            hardware: "h".into(),
            software: software.into(),
            latency_ms: Some(latency_ms),
            ..Measurement::default()
        };
        let (first, copy, anew) = (row("a", 1.25), row("b", 1.25), row("b", 1.26));
        let (kept, dropped) = without_copies(&[&first, &copy, &anew]);
        assert_eq!((kept, dropped), (vec![&first, &anew], 1));
    }
}
