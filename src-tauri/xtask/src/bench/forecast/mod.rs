//! How well do forecasts do on what they were not shown? Each table of a folder, split as the Python tools split it.

mod report;
mod score;
mod shuffle;
mod split;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use insight::{
    forecast::{Baseline, Interval, forecast, without_copies},
    table::Measurement,
};

use crate::{
    error::{Step, StepError},
    places::Places,
};
use report::Figures;
use score::{Answer, Score, score};
use split::{Kind, Split};

const SEEDS: [u64; 3] = [1, 2, 3];
/// Learning is promised for tables of this many rows; longer ones are series over time, which are watched instead.
const MOST_ROWS: usize = 20_000;

pub fn run(places: &Places, arguments: &[String]) -> Step {
    let Some((folder, seeds)) = arguments.split_first() else {
        return Err(StepError::missing(
            "the folder of measurements is not named",
            "Write `cargo xtask bench forecast FOLDER [SEED…]`; each of its .csv and .csv.gz is a neutral table.",
        ));
    };
    let seeds = seeds.iter().map(|seed| seed.parse()).collect::<Result<Vec<u64>, _>>().map_err(|e| {
        StepError::missing(format!("a seed is not a number: {e}"), "Write numbers such as 1 2 3 behind the folder.")
    })?;
    let seeds = if seeds.is_empty() { SEEDS.to_vec() } else { seeds };
    let mut all = Vec::new();
    for path in tables(Path::new(folder))? {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let name = name.split('.').next().unwrap_or_default().to_owned();
        let rows = table::read(&path)?;
        let (rows, copies) = without_copies(&rows.iter().collect::<Vec<_>>());
        if rows.len() > MOST_ROWS {
            println!("{name}: {} rows are more than {MOST_ROWS}; `bench watch` is for series", rows.len());
            continue;
        }
        println!("\n{}", report::title(&name, rows.len(), copies));
        println!("{}", report::HEADER);
        let mut figures = Vec::new();
        for kind in Kind::ALL {
            let own = Figures { kind, scores: scores(&rows, kind, &seeds) };
            println!("{own}");
            figures.push(own);
        }
        let seconds = seconds_to_learn(&rows);
        println!("{}", report::learning(seconds, rows.len()));
        all.push(report::Table { name, rows: rows.len(), copies, figures, seconds });
    }
    report::write(&places.root.join("docs").join("forecast.md"), &seeds, &all)
}

fn tables(folder: &Path) -> Result<Vec<PathBuf>, StepError> {
    let entries = fs::read_dir(folder).map_err(StepError::file("list", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| [".csv", ".csv.gz"].iter().any(|end| path.to_string_lossy().ends_with(end)));
    paths.sort();
    Ok(paths)
}

/// What answered: forecasts, or a baseline.
type Scores = Vec<(Option<Baseline>, Vec<Score>)>;

fn scores(rows: &[&Measurement], kind: Kind, seeds: &[u64]) -> Scores {
    let splits: Vec<Split> = seeds.iter().flat_map(|seed| kind.splits(rows, *seed)).collect();
    let answerers = std::iter::once(None).chain(Baseline::ALL.into_iter().map(Some));
    answerers
        .map(|answerer| {
            let of = |split: &Split| score(rows, split, &answers(rows, split, answerer));
            (answerer, splits.iter().filter_map(of).collect())
        })
        .collect()
}

fn answers(rows: &[&Measurement], split: &Split, answerer: Option<Baseline>) -> Vec<Answer> {
    let pick = |places: &[usize]| -> Vec<&Measurement> { places.iter().map(|at| rows[*at]).collect() };
    let (known, asked) = (pick(&split.known), pick(&split.asked));
    match answerer {
        None => forecast(&known, &asked)
            .answers
            .into_iter()
            .map(|answer| Answer {
                latency_ms: answer.latency_ms,
                peak_memory_mb: answer.peak_memory_mb.map(|memory| memory.value),
            })
            .collect(),
        Some(baseline) => baseline
            .answers(&known, &asked)
            .into_iter()
            .map(|ms| Answer {
                latency_ms: ms.map(|value| Interval { value, low: value, high: value }),
                peak_memory_mb: None,
            })
            .collect(),
    }
}

/// Seconds from the table to an answer about a pair that it lacks.
fn seconds_to_learn(rows: &[&Measurement]) -> f64 {
    let split = &Kind::Combination.splits(rows, 1)[0];
    let asked = [rows[split.asked[0]]];
    let pair = |row: &Measurement| (row.model.clone(), row.hardware.clone());
    let known: Vec<&Measurement> = rows.iter().filter(|row| pair(row) != pair(asked[0])).copied().collect();
    let start = Instant::now();
    forecast(&known, &asked);
    start.elapsed().as_secs_f64()
}
