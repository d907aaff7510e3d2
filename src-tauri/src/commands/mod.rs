//! How the desk answers: one file for each page of the window.

mod app;
mod compare;
mod gallery;
mod hub;
mod insight;
mod launch;
mod machine;
mod models;
mod results;
mod settings;
mod templates;
mod trials;
mod watch;
