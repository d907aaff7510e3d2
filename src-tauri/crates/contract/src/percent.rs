//! Shares as a person reads them.

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
    use super::percent_text;

    #[test]
    fn nothing_is_rounded_to_certainty() {
        let told = [0.0, 0.0004, 0.0512, 0.5, 0.994, 0.996, 0.9996, 1.0, 1.5].map(percent_text);
        assert_eq!(told, ["0 %", "under 0.1 %", "5.1 %", "50 %", "99 %", "99.6 %", "over 99.9 %", "100 %", "150 %"]);
    }
}
