//! Sizes in words.

/// Bytes as people write memory and caches: `48 KiB`, `1 MiB`, `23.4 GiB`.
pub fn binary_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let written = if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} {}", written.strip_suffix(".0").unwrap_or(&written), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(binary_size(48 * 1024), "48 KiB");
        assert_eq!(binary_size(1 << 20), "1 MiB");
        assert_eq!(binary_size(25_125_000_000), "23.4 GiB");
        assert_eq!(binary_size((1 << 31) - 1), "2 GiB");
    }
}
