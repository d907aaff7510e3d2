//! Renders and reads every file that the templates which ship make: of every model type, platform and kind. Prints one
//! JSON object for `cargo xtask bench templates`; ends with a failure where one is not sound.

use contract::Platform;
use std::{process::ExitCode, sync::atomic::AtomicBool, time::Instant};
use workbench::{Here, Kind, Library, Selection, generate};

fn main() -> ExitCode {
    let start = Instant::now();
    let model_types = models::transformers::all().iter().map(|known| known.model_type.clone()).collect();
    let (platforms, kinds) = (Platform::LISTED.to_vec(), Kind::GENERATED.to_vec());
    let selection = Selection { model_types, platforms, kinds, ..Selection::default() };
    let (mut files, mut bytes, mut unsound) = (0_usize, 0_usize, 0_usize);
    generate(Here::default, Library::shipped(), &selection, &AtomicBool::new(false), |made| {
        files += 1;
        bytes += made.outcome.as_ref().map_or(0, |rendered| rendered.text.len());
        if !made.is_sound() {
            unsound += 1;
            let reason = made.outcome.err().map(|error| error.to_string());
            let reason = reason.or_else(|| made.problems.first().map(ToString::to_string)).unwrap_or_default();
            eprintln!(
                "{} {} for {}: {reason}",
                made.request.model_type,
                made.request.kind.key(),
                made.request.platform
            );
        }
    });
    let secs = start.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "files": files, "bytes": bytes, "unsound": unsound, "secs": secs }));
    if unsound == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
