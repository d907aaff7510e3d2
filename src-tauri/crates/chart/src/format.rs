//! Figures as a person reads them: at most three significant digits, a unit, and the interval beside them.

pub use contract::{bytes_text as bytes, significant};

use contract::{UNIT_SPACE, grouped, scaled};

/// A whole number with thousands apart: `1 234 567`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Milliseconds in the unit that reads best, with the unit: `85 µs`, `12.3 ms`, `4.56 s`, `3 min 20 s`.
pub fn duration_ms(ms: f64) -> String {
    let (value, unit) = scaled_ms(ms);
    match unit {
        "min" => duration_secs(ms / 1000.0),
        unit => format!("{}{UNIT_SPACE}{unit}", significant(value)),
    }
}

/// Milliseconds as value and unit (`µs`, `ms`, `s` or `min`).
pub fn scaled_ms(ms: f64) -> (f64, &'static str) {
    match ms.abs() {
        m if m < 0.1 => (ms * 1000.0, "µs"),
        m if m < 10_000.0 => (ms, "ms"),
        m if m < 120_000.0 => (ms / 1000.0, "s"),
        _ => (ms / 60_000.0, "min"),
    }
}

/// Seconds a person waits: `under a second`, `8 s`, `3 min 20 s`, `1 h 5 min`.
pub fn duration_secs(secs: f64) -> String {
    let whole = secs.round().max(0.0) as u64;
    match whole {
        0 => "under a second".into(),
        1..60 => format!("{whole}{UNIT_SPACE}s"),
        60..3600 => two_units(whole / 60, "min", whole % 60, "s"),
        _ => two_units(whole / 3600, "h", whole % 3600 / 60, "min"),
    }
}

/// A model's size in words: `109 million parameters`.
pub fn parameters(count: u64) -> String {
    format!("{} parameters", amount(count))
}

/// A large number in words: `109 million`.
pub fn amount(count: u64) -> String {
    let (value, word) = match count as f64 {
        n if n < 1e3 => (n, ""),
        n if n < 1e6 => (n / 1e3, " thousand"),
        n if n < 1e9 => (n / 1e6, " million"),
        n if n < 1e12 => (n / 1e9, " billion"),
        n => (n / 1e12, " trillion"),
    };
    format!("{}{word}", significant(value))
}

/// Operations or multiply-accumulates: `11.2 G`.
pub fn operations(value: f64) -> String {
    scaled(value, &["", "k", "M", "G", "T", "P"]).trim_end_matches(UNIT_SPACE).to_owned()
}

/// Operations per second: `112 GFLOP/s`; a multiply-accumulate counts as two.
pub fn rate(ops_per_s: f64) -> String {
    scaled(ops_per_s, &["FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"])
}

/// Bytes per second: `23.4 GB/s`.
pub fn bandwidth(bytes_per_s: f64) -> String {
    scaled(bytes_per_s, &["B/s", "kB/s", "MB/s", "GB/s", "TB/s"])
}

/// A cosine near 1 with two digits of what is missing: `0.9987`, `0.99999912`.
pub fn cosine(value: f64) -> String {
    let missing = 1.0 - value;
    if missing < 5e-9 {
        return "1".into();
    }
    let decimals = (1.0 - missing.log10().floor()).clamp(2.0, 9.0) as usize;
    grouped(&format!("{value:.decimals$}"))
}

/// Half the width of an interval relative to its centre: `±1.2 %`.
pub fn half_width(value: f64, low: f64, high: f64) -> Option<String> {
    (value > 0.0).then(|| format!("±{}{UNIT_SPACE}%", short((high - low) / 2.0 / value * 100.0)))
}

/// An interval in the unit of its value: `12.1–12.5`.
pub fn interval(low: f64, high: f64) -> String {
    format!("{}–{}", significant(low), significant(high))
}

/// A figure in its unit, with its 95 % interval where it has one: `12.3 ms (95 %: 12.1–12.5)`.
pub fn with_interval(value: f64, unit: &str, low: Option<f64>, high: Option<f64>) -> String {
    let interval = match (low, high) {
        (Some(low), Some(high)) => format!(" (95 %: {})", interval(low, high)),
        _ => String::new(),
    };
    format!("{} {unit}{interval}", significant(value))
}

/// Two significant digits, for what only qualifies another figure.
fn short(value: f64) -> String {
    match value {
        v if v < 0.05 => "0.05".into(),
        v if v < 9.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn two_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{UNIT_SPACE}{large_unit}"),
        _ => format!("{large}{UNIT_SPACE}{large_unit} {small}{UNIT_SPACE}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::NARROW_SPACE;

    fn plain(text: String) -> String {
        text.replace([NARROW_SPACE, UNIT_SPACE], " ")
    }

    #[test]
    fn times_take_the_unit_that_reads_best() {
        assert_eq!(plain(duration_ms(0.0853)), "85.3 µs");
        assert_eq!(plain(duration_ms(12.345)), "12.3 ms");
        assert_eq!(plain(duration_ms(45_600.0)), "45.6 s");
        assert_eq!(plain(duration_ms(200_000.0)), "3 min 20 s");
        assert_eq!(plain(duration_secs(0.2)), "under a second");
        assert_eq!(plain(duration_secs(3900.0)), "1 h 5 min");
    }

    #[test]
    fn work_and_rates_scale_by_thousands() {
        assert_eq!(plain(rate(1.12e11)), "112 GFLOP/s");
        assert_eq!(plain(bandwidth(2.34e10)), "23.4 GB/s");
        assert_eq!(plain(operations(1.12e10)), "11.2 G");
        assert_eq!(plain(operations(12.0)), "12");
    }

    #[test]
    fn a_cosine_shows_what_is_missing_to_one() {
        let cases = [(1.0, "1"), (0.99874, "0.9987"), (0.999_999_12, "0.99999912"), (0.5, "0.50"), (-1.0, "−1.00")];
        for (value, text) in cases {
            assert_eq!(plain(cosine(value)), text);
        }
    }

    #[test]
    fn a_figure_has_its_interval_beside_it_where_there_is_one() {
        assert_eq!(with_interval(12.3, "ms", Some(12.1), Some(12.5)), "12.3 ms (95 %: 12.1–12.5)");
        assert_eq!(with_interval(12.3, "ms", Some(12.1), None), "12.3 ms");
    }

    #[test]
    fn an_interval_is_told_relative_to_its_figure() {
        assert_eq!(plain(half_width(100.0, 98.0, 101.0).unwrap()), "±1.5 %");
        assert_eq!(half_width(0.0, 0.0, 0.0), None);
    }
}
