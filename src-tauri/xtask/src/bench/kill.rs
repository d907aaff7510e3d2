//! Killing Assay at random moments of a queue: no committed result may be lost, and the next start goes on.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    display::Display,
    fresh, judge,
    measure::{Assay, json},
    start::Window,
};
use crate::{
    error::{Step, StepError},
    places::Places,
};

const KILLS: usize = 50;
/// Jobs asked for at each start, so that the queue never runs dry before the kill.
const JOBS_A_START: u32 = 2;
const LONGEST_LIFE: f64 = 6.0;
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(places: &Places, program: &Path) -> Step {
    let folder = places.cache.join("bench").join("kill");
    fresh(&folder)?;
    let display = Display::start(folder.join("screen"))?;
    let assay = Assay { places, program, data: folder.join("data"), libraries: None };
    let store = assay.data.join("assay.duckdb");
    let mut random = StdRng::seed_from_u64(1);
    let (mut seen, mut lost) = (BTreeSet::new(), 0);
    let mut asked = 0;
    for number in 1..=KILLS {
        let window = Window::open(&assay, &display)?;
        let there = results(&assay, &store)?;
        let gone = seen.difference(&there).count();
        lost += gone;
        seen = there;

        let mut commands: Vec<Child> = Vec::new();
        for _ in 0..JOBS_A_START {
            asked += 1;
            commands.push(ask(&assay, &store, asked)?);
        }
        sleep(Duration::from_secs_f64(random.random_range(0.3..LONGEST_LIFE)));
        seen.extend(results(&assay, &store)?);
        window.kill()?;
        for mut command in commands {
            // It waited for the Assay that is gone.
            let _ = command.kill();
            let _ = command.wait();
        }
        println!("{number:2}: {} results before the kill, {gone} lost by the one before", seen.len());
    }

    println!("• let the last start work the queue off");
    let window = Window::open(&assay, &display)?;
    let begun = Instant::now();
    let mut there = results(&assay, &store)?;
    lost += seen.difference(&there).count();
    while waiting(&assay, &store)? > 0 && begun.elapsed() < PATIENCE * 10 {
        sleep(Duration::from_secs(1));
    }
    there.extend(results(&assay, &store)?);
    let left = waiting(&assay, &store)?;
    drop(window);
    println!("{} results of {asked} jobs asked for, {lost} lost, {left} still waiting", there.len());
    judge("no committed result was lost, and the queue was worked off", lost == 0 && left == 0 && there.len() > KILLS)
}

/// Asks the running Assay to measure something that no earlier job was, and does not wait.
fn ask(assay: &Assay, store: &Path, number: u32) -> Result<Child, StepError> {
    let mut command = assay.command();
    command.args(["measure", "--model", "preset:bert-tiny", "--engine", "onnxruntime", "--budget-secs", "0.5"]);
    command.args(["--seed", "0", "--length", &(16 + number % 200).to_string(), "--store"]).arg(store);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(StepError::file("start", assay.program))
}

/// The ids of all results, once the started Assay answers.
fn results(assay: &Assay, store: &PathBuf) -> Result<BTreeSet<String>, StepError> {
    let rows = rows(assay, store, "SELECT id FROM runs")?;
    Ok(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
}

fn waiting(assay: &Assay, store: &PathBuf) -> Result<u64, StepError> {
    let rows = rows(assay, store, "SELECT count(*) AS waiting FROM queue")?;
    Ok(rows.first().and_then(|row| row["waiting"].as_u64()).unwrap_or(0))
}

fn rows(assay: &Assay, store: &PathBuf, sql: &str) -> Result<Vec<serde_json::Value>, StepError> {
    let begun = Instant::now();
    loop {
        let mut command = assay.command();
        command.args(["query", sql, "--json", "--store"]).arg(store);
        match json(&mut command) {
            Ok(answer) => return Ok(answer.as_array().cloned().unwrap_or_default()),
            // It has not opened its store yet.
            Err(_) if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(200)),
            Err(error) => return Err(error),
        }
    }
}
