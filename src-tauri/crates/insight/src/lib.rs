//! Insight: what measurements mean. Pure functions over plain data; nothing here reads a file or knows the store.

pub mod compare;
#[cfg(test)]
mod fixtures;
pub mod forecast;
pub mod layers;
mod moment;
pub mod recommend;
pub mod scaling;
pub mod stored;
mod student;
pub mod table;
pub mod watch;
