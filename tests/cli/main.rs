//! The commands of the real program, as a script calls them.

mod comparing;
mod generated;
mod generation;
mod insight;
mod measuring;
mod models;
mod running;
mod shell;
mod store;
mod templates;
