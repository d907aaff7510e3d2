//! Figures as a person reads them.

/// Three significant digits, at most six of them behind the point: `0.123`, `12.3`, `1234`.
pub fn short_text(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

/// A share in percent: `87 %`, `9.1 %`. Only what is nothing or everything is 0 or 100: `under 0.1 %`, `over 99.9 %`.
pub fn percent_text(share: f64) -> String {
    match share * 100.0 {
        p if p <= 0.0 => "0 %".into(),
        p if p < 0.05 => "under 0.1 %".into(),
        p if p < 9.95 => format!("{p:.1} %"),
        p if p < 99.5 => format!("{p:.0} %"),
        p if p < 99.95 => format!("{p:.1} %"),
        p if p < 100.0 => "over 99.9 %".into(),
        p => format!("{p:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_digits() {
        let told = [0.0, 0.000_012_34, 0.123_4, 12.34, -12.34, 1234.4, f64::INFINITY].map(short_text);
        assert_eq!(told, ["0", "0.000012", "0.123", "12.3", "-12.3", "1234", "inf"]);
    }

    #[test]
    fn nothing_is_rounded_to_certainty() {
        let told = [0.0, 0.0004, 0.0512, 0.5, 0.994, 0.996, 0.9996, 1.0, 1.5].map(percent_text);
        assert_eq!(told, ["0 %", "under 0.1 %", "5.1 %", "50 %", "99 %", "99.6 %", "over 99.9 %", "100 %", "150 %"]);
    }
}
