//! How long it takes from the config.json of a model of seven billion parameters to its graph, without weights: the figure
//! of `cargo xtask bench graph`. Prints seconds as JSON.

use models::Model;
use std::time::Instant;

/// Llama 2 7B.
const CONFIG: &str = include_str!("../src/presets/llama-2-7b.json");
/// The first of them is what a person waits for, who opens one model; the others tell how far it is from the usual.
const TIMES: usize = 21;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut all_secs: Vec<f64> = Vec::with_capacity(TIMES);
    let mut parameters = 0;
    for _ in 0..TIMES {
        let started = Instant::now();
        let model = Model::from_config_text("config.json", CONFIG)?;
        all_secs.push(started.elapsed().as_secs_f64());
        parameters = model.info().parameters.unwrap_or_default();
    }
    let first_secs = all_secs[0];
    all_secs.sort_by(f64::total_cmp);
    let (median_secs, longest_secs) = (all_secs[TIMES / 2], all_secs[TIMES - 1]);
    println!(
        "{{\"parameters\": {parameters}, \"first_secs\": {first_secs}, \"median_secs\": {median_secs}, \
         \"longest_secs\": {longest_secs}}}"
    );
    Ok(())
}
