//! How a dimension is asked for: in what people count, which is seconds where a model counts pieces of sound.

use contract::Dim;

pub fn dim_question(dim: &Dim) -> String {
    if dim.per_second.is_some() { "How many seconds of sound?".to_owned() } else { dim.question.clone() }
}

/// A value of the dimension as it is typed.
pub fn dim_typed(dim: &Dim, value: u32) -> String {
    let secs = dim.unit().and_then(|unit| unit.secs(value));
    secs.map_or_else(|| value.to_string(), |secs| secs.to_string())
}

/// The value of the dimension that was typed; none for what it cannot be.
pub fn dim_read(dim: &Dim, typed: &str) -> Option<u32> {
    match dim.per_second {
        None => typed.trim().parse().ok(),
        Some(_) => dim.unit()?.of_secs(typed.trim().parse().ok()?),
    }
}
