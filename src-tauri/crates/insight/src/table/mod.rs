//! The neutral measurement table, as insight reads it: strict about times, patient about everything it may lack.

mod measurement;
mod read;

pub use measurement::Measurement;
pub use read::{Header, HeaderError, Refused, Times};

#[cfg(test)]
mod tests;
