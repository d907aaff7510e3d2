//! Insight: what measurements mean. Pure functions over plain data; nothing here reads a file or knows the store.

pub mod forecast;
mod moment;
pub mod recommend;
mod student;
pub mod table;
pub mod watch;
