//! Templates: the language they are written in, checking them, and what they generate for each model type and platform.

mod begin;
mod check;
mod convert;
mod describe;
mod error;
mod export;
mod facts;
mod front;
mod generate;
mod impact;
mod kind;
mod language;
mod library;
mod merge;
mod origin;
mod outline;
mod platform;
mod python;
mod reading;
mod render;
mod renderer;
mod shipped;
mod suite;
mod template;
mod variables;
mod words;

pub use check::check;
pub use convert::{Change, Conversion, Dialect, convert};
pub use error::{Problem, TemplateError};
pub use export::{Export, ExportError, export};
pub use facts::{Exempt, Facts, Head, Input, InputKind, Labels, facts, family_of, media_of, model_types, tasks_of};
pub use front::Front;
pub use generate::{Made, Selection, generate};
pub use impact::{Impact, Reached, impact};
pub use kind::Kind;
pub use language::{LIMITS, Limits};
pub use library::Library;
pub use merge::{DiffLine, Merged, diff, merge};
pub use origin::Origin;
pub use platform::PlatformFacts;
use python::check_python;
use render::render_with;
pub use render::{Rendered, Request, render};
pub use renderer::{Ask, Asked, Here, RENDERER_MEMORY_BYTES, Renderer};
pub use shipped::shipped;
use std::path::Path;
use suite::check_suite;
pub use template::Template;
pub use variables::{Variable, VariableType};
pub use words::{usual_words, words};

/// A Python program that runs one generated file and tells how it goes, a JSON object a line.
pub const HARNESS: &str = include_str!("harness.py");

/// Everything wrong in a rendered file of any kind, each at the line of the template that made it.
pub fn check_rendered(rendered: &Rendered, library: &Library) -> Vec<Problem> {
    match Path::new(&rendered.path).extension().and_then(|ending| ending.to_str()) {
        Some("py") => check_python(rendered, library),
        Some("json") => check_suite(rendered, library),
        _ => Vec::new(),
    }
}
