//! How a dimension is asked for: in what people count, which is seconds where a model counts pieces of sound.

use contract::Dim;

pub fn dim_question(dim: &Dim) -> String {
    if dim.per_second.is_some() { "How many seconds of sound?".to_owned() } else { dim.question.clone() }
}

/// A value of the dimension as it is typed.
pub fn dim_typed(dim: &Dim, value: u32) -> String {
    (f64::from(value) / dim.per_second.map_or(1.0, f64::from)).to_string()
}

/// The value of the dimension that was typed; none for what it cannot be.
pub fn dim_read(dim: &Dim, typed: &str) -> Option<u32> {
    match dim.per_second {
        None => typed.trim().parse().ok(),
        Some(per_second) => sound_pieces(typed.trim().parse().ok()?, per_second),
    }
}

/// So many pieces make the seconds; none where no dimension is as large.
pub fn sound_pieces(secs: f64, per_second: u32) -> Option<u32> {
    let pieces = (secs * f64::from(per_second)).round();
    (0.0..=f64::from(u32::MAX)).contains(&pieces).then_some(pieces as u32)
}
