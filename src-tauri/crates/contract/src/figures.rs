//! Figures as a person reads them.

/// Between thousands.
pub const NARROW_SPACE: char = '\u{202f}';
/// Between a figure and its unit: never the end of a line.
pub const UNIT_SPACE: char = '\u{a0}';

/// At most three significant digits, thousands apart: `0.0123`, `12.3`, `1 230`, `45 700 000`.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return "–".into();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if magnitude < -4 {
        return format!("{:.2} × 10{}", value / 10f64.powi(magnitude), superscript(magnitude));
    }
    let unit = 10f64.powi(magnitude - 2);
    let rounded = (value / unit).round() * unit;
    let decimals = (2 - magnitude).clamp(0, 9) as usize;
    // A whole number that was counted is written whole; a zero that was measured, as in 27.0, stays.
    let decimals = if value.fract() == 0.0 { 0 } else { decimals };
    grouped(&format!("{rounded:.decimals$}"))
}

/// Bytes in decimal units: `87.3 MB`, `1.20 GB`.
pub fn bytes_text(bytes: u64) -> String {
    scaled(bytes as f64, &["B", "kB", "MB", "GB", "TB"])
}

/// In the largest of the units, each a thousand of the one before, that the value reaches.
pub fn scaled(value: f64, units: &[&str]) -> String {
    let step = if value < 1000.0 { 0 } else { ((value.log10() / 3.0).floor() as usize).min(units.len() - 1) };
    format!("{}{UNIT_SPACE}{}", significant(value / 1000f64.powi(step as i32)), units[step])
}

/// `1 result`, `12 204 results`: how many there are of what is called so.
pub fn counted(many: u64, word: &str) -> String {
    let plural = if many == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(&many.to_string()))
}

/// A number's text with thousands apart.
pub fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 && whole.len() > 4 {
            out.push(NARROW_SPACE);
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |letter: char| letter.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    exponent.to_string().chars().map(raise).collect()
}

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

/// A chance in percent. It was found by drawing, where neither none nor all of the draws are a certainty.
pub fn chance_text(chance: f64) -> String {
    const LEAST: f64 = 1e-4;
    percent_text(chance.clamp(LEAST, 1.0 - LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: String) -> String {
        text.replace([NARROW_SPACE, UNIT_SPACE], " ")
    }

    #[test]
    fn a_figure_has_at_most_three_significant_digits() {
        let cases = [
            (0.0, "0"),
            (0.012345, "0.0123"),
            (2.3e-6, "2.30 × 10⁻⁶"),
            (0.00012, "0.000120"),
            (1.5, "1.50"),
            (12.0, "12"),
            (27.04, "27.0"),
            (12.345, "12.3"),
            (999.6, "1000"),
            (1234.5, "1230"),
            (45_678_901.0, "45 700 000"),
            (-3.4567, "−3.46"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(significant(value)), text);
        }
    }

    #[test]
    fn what_is_no_number_is_a_dash() {
        assert_eq!(significant(f64::NAN), "–");
        assert_eq!(significant(f64::INFINITY), "–");
    }

    #[test]
    fn bytes_take_the_unit_that_reads_best() {
        let told = [999, 437_900_000, 1_200_000_000].map(|bytes| plain(bytes_text(bytes)));
        assert_eq!(told, ["999 B", "438 MB", "1.20 GB"]);
    }

    #[test]
    fn a_figure_has_three_digits() {
        let told = [0.0, 0.000_012_34, 0.123_4, 12.34, -12.34, 1234.4, f64::INFINITY].map(short_text);
        assert_eq!(told, ["0", "0.000012", "0.123", "12.3", "-12.3", "1234", "inf"]);
    }

    #[test]
    fn nothing_is_rounded_to_certainty() {
        let told = [0.0, 0.0004, 0.0512, 0.5, 0.994, 0.996, 0.9996, 1.0, 1.5].map(percent_text);
        assert_eq!(told, ["0 %", "under 0.1 %", "5.1 %", "50 %", "99 %", "99.6 %", "over 99.9 %", "100 %", "150 %"]);
        assert_eq!([0.0, 0.4, 1.0].map(chance_text), ["under 0.1 %", "40 %", "over 99.9 %"]);
    }
}
