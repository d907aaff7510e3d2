//! Engines and their measurement: every engine runs in a worker process of its own, which this crate starts, watches,
//! bounds and ends.

pub mod backend;
pub mod backends;
mod calibrate;
mod configure;
mod environment;
mod gates;
mod golden;
mod hidden;
pub mod inventory;
mod job;
mod libraries;
mod limits;
mod measure;
pub mod noise;
mod peaks;
mod product;
mod sampling;
pub mod statistics;
pub mod worker;

pub use backends::{dynamic_form, generates_on};
pub use calibrate::{CalibrateError, calibrate};
pub use configure::engine_file;
pub use environment::{available_memory_bytes, environment, installed_memory_bytes};
pub use golden::{GoldenResult, check_golden};
pub use hidden::without_console;
pub use inventory::{changes, merge_webview, scan};
pub use job::{Control, Job, Limits, Program, Writing};
pub use libraries::{Build, Libraries};
pub use limits::REFUSES_NETWORK;
pub use measure::{TELL_EVERY, Told, Turns, measure, measure_in_turn};
pub use peaks::{Ceilings, PeaksError, measure_peaks};
pub use sampling::MIN_SAMPLES;
pub use worker::{Errand, ErrandEnd, Service, WorkerError, run_errand, service_main, worker_main};
