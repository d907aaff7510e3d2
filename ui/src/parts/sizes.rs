//! How a dimension is asked for: in what people count, which is seconds where a model counts pieces of sound.

use contract::{DEFAULT_OUTPUT, Dim, SizeUnit};

pub fn dim_question(dim: &Dim) -> String {
    if dim.per_second.is_some() { "How many seconds of sound?".to_owned() } else { dim.question.clone() }
}

/// A value of the dimension as it is typed.
pub fn dim_typed(dim: &Dim, value: u32) -> String {
    size_typed(value, dim.unit())
}

/// A size as it is typed.
pub fn size_typed(size: u32, unit: Option<SizeUnit>) -> String {
    let secs = unit.and_then(|unit| unit.secs(size));
    secs.map_or_else(|| size.to_string(), |secs| secs.to_string())
}

/// The value of the dimension that was typed; none for what it cannot be.
pub fn dim_read(dim: &Dim, typed: &str) -> Option<u32> {
    match dim.per_second {
        None => typed.trim().parse().ok(),
        Some(_) => dim.unit()?.of_secs(typed.trim().parse().ok()?),
    }
}

/// The tokens to write that were typed, the default where nothing was; none where it is no length of a text.
pub fn output_read(typed: &str) -> Option<u32> {
    match typed.trim() {
        "" => Some(DEFAULT_OUTPUT),
        typed => typed.parse::<u32>().ok().filter(|tokens| *tokens >= 2),
    }
}
