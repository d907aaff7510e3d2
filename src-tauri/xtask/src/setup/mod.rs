//! Setting a machine up: each step says what it does and why, and is skipped when it is done.

mod crates;
mod engine_libraries;
mod import_library;
mod node;
mod openvino;
mod python;
mod system_packages;
mod test_packages;
pub mod wasm_target;
mod window_packages;

use crate::{error::Step, places::Places};

use system_packages::Purpose;

/// `cargo xtask setup`: all that building and testing need.
pub fn everything(places: &Places) -> Step {
    for_testing(places)?;
    println!("\nAll is set up in {}.", places.cache.display());
    Ok(())
}

pub fn for_building(places: &Places) -> Step {
    system_packages::install(Purpose::Build)?;
    toolchain_and_libraries(places)
}

pub fn for_testing(places: &Places) -> Step {
    system_packages::install(Purpose::Test)?;
    toolchain_and_libraries(places)?;
    test_packages::install(places)
}

fn toolchain_and_libraries(places: &Places) -> Step {
    wasm_target::install(places)?;
    node::install(places)?;
    engine_libraries::install(places)?;
    openvino::install(places)?;
    window_packages::install(places)?;
    crates::fetch(places)
}

/// One line a step, the same form everywhere.
fn done(what: &str) {
    println!("✓ {what}");
}

fn doing(what: &str, why: &str) {
    println!("• {what} ({why})");
}
