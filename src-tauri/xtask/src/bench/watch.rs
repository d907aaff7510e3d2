//! Does watching find the steps that are there, and only those? On series made of the real spread of repeated runs.
//!
//! The folder given holds `edge_devices_history.csv.gz`: runs on many devices, told again in each release until they
//! are measured anew. Repeats are runs of one configuration and one tool version at different times.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path, time::Instant};

use contract::{WatchRules, csv::Reader};
use flate2::read::GzDecoder;
use insight::watch::{Point, Series, SeriesTable, watch};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{judge, ratio::median};
use crate::error::{Step, StepError};

const HISTORY: &str = "edge_devices_history.csv.gz";
const COLUMNS: [&str; 7] = ["hardware", "runtime", "model", "precision", "software", "measured_at", "latency_ms"];
const TRIALS: usize = 20_000;
/// A device and runtime with fewer repeats says too little about its spread.
const FEWEST_REPEATS: usize = 20;
/// How far a step may be from where it was put.
const NEAR: usize = 2;
/// From the ends and from another step.
const APART: usize = 4;
/// Upper ends of the classes, as shares.
const NOISES: [f64; 6] = [0.005, 0.01, 0.015, 0.03, 0.05, f64::INFINITY];
const STEPS: [f64; 4] = [0.07, 0.1, 0.2, f64::INFINITY];
const SMALLEST_STEP: f64 = 0.05;
const LARGEST_STEP: f64 = 0.5;
/// The noise up to which the claim is made.
const QUIET: f64 = 0.015;

pub fn run(arguments: &[String]) -> Step {
    let [folder] = arguments else {
        return Err(StepError::missing(
            "the folder of measurements is not named",
            format!("Write `cargo xtask bench watch FOLDER`; it holds {HISTORY}."),
        ));
    };
    let pools = pools(&Path::new(folder).join(HISTORY))?;
    let repeats: usize = pools.iter().map(|pool| pool.residuals.len()).sum();
    println!("{repeats} repeats of {} pairs of device and runtime", pools.len());

    let mut random = StdRng::seed_from_u64(1);
    let trials: Vec<Trial> = (0..TRIALS).map(|_| Trial::make(&pools, &mut random)).collect();
    let table = SeriesTable { series: trials.iter().map(Trial::series).collect(), ..SeriesTable::default() };
    let report = watch(&table, &WatchRules::default());
    let mut scores = Scores::default();
    for (trial, watched) in trials.iter().zip(&report.series) {
        scores.add(trial, watched.changes.iter().map(|change| change.index).collect());
    }
    scores.print();

    let seconds = time_of_20_000(&pools, &mut random);
    println!("20,000 series of 26 points in {seconds:.1} s");
    let quiet = scores.quiet();
    println!(
        "up to {} % noise: F1 {:.3}, false alarms {:.2} %",
        QUIET * 100.0,
        quiet.f1(),
        quiet.false_alarms() * 100.0
    );
    judge("F1 is at least 0.93 where the noise is up to 1.5 %", quiet.f1() >= 0.93)?;
    judge("at most 2 % of unchanged series raise an alarm", scores.all().false_alarms() <= 0.02)?;
    judge("20,000 series of 26 points take at most 10 s", seconds <= 10.0)
}

/// How repeats on one device and runtime spread around their mean, in logarithms.
struct Pool {
    residuals: Vec<f64>,
    /// Robust standard deviation.
    noise: f64,
}

fn pools(path: &Path) -> Result<Vec<Pool>, StepError> {
    let file = File::open(path).map_err(StepError::file("read", path))?;
    let mut reader = Reader::new(BufReader::new(GzDecoder::new(file)));
    let mut places: Option<[usize; 7]> = None;
    // The first listing of a run stands for all: later releases repeat it.
    let mut configurations: BTreeMap<[String; 5], BTreeMap<String, f64>> = BTreeMap::new();
    while let Some(record) = reader.next_record().map_err(StepError::file("read", path))? {
        let cells: Vec<&str> =
            (0..record.width()).map(|at| std::str::from_utf8(record.field(at)).unwrap_or_default()).collect();
        let Some(places) = places else {
            let place = |column: &str| cells.iter().position(|name| *name == column);
            let found: Option<Vec<usize>> = COLUMNS.iter().map(|column| place(column)).collect();
            let found = found.and_then(|found| found.try_into().ok());
            places = Some(found.ok_or_else(|| {
                StepError::missing(format!("{} lacks a column", path.display()), format!("It needs {COLUMNS:?}."))
            })?);
            continue;
        };
        let [hardware, runtime, model, precision, software, measured_at, latency_ms] = places.map(|at| cells[at]);
        let Some(latency_ms) = latency_ms.parse().ok().filter(|ms: &f64| *ms > 0.0 && !software.is_empty()) else {
            continue;
        };
        let configuration = [hardware, runtime, model, precision, software].map(str::to_owned);
        configurations.entry(configuration).or_default().entry(measured_at.to_owned()).or_insert(latency_ms);
    }
    let mut spread: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    let mut told: Vec<(&str, Vec<u64>)> = Vec::new();
    for ([hardware, runtime, model, ..], runs) in &configurations {
        let bits: Vec<u64> = runs.values().map(|ms| ms.to_bits()).collect();
        // The same figures under another device's name are the same runs.
        if runs.len() < 2 || told.contains(&(model, bits.clone())) {
            continue;
        }
        told.push((model, bits));
        let logs: Vec<f64> = runs.values().map(|ms| ms.ln()).collect();
        let n = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / n;
        // A mean of few lies too near to each of them.
        let away = logs.iter().map(|log| (log - mean) * (n / (n - 1.0)).sqrt());
        spread.entry((hardware.clone(), runtime.clone())).or_default().extend(away);
    }
    let kept = spread.into_values().filter(|residuals| residuals.len() >= FEWEST_REPEATS);
    Ok(kept
        .map(|residuals| Pool { noise: 1.4826 * median(residuals.iter().map(|r| r.abs()).collect()), residuals })
        .collect())
}

/// A series with known steps.
struct Trial {
    logs: Vec<f64>,
    noise: f64,
    /// Where, and how large as a share.
    steps: Vec<(usize, f64)>,
}

impl Trial {
    /// 20 to 60 points with none, one or two steps up or down, sizes spread evenly over their logarithm.
    fn make(pools: &[Pool], random: &mut StdRng) -> Self {
        let pool = &pools[random.random_range(0..pools.len())];
        let n = random.random_range(20..=60);
        let count = random.random_range(0..=2);
        let places = loop {
            let mut places: Vec<usize> = (0..count).map(|_| random.random_range(APART..=n - APART)).collect();
            places.sort_unstable();
            if places.windows(2).all(|pair| pair[1] - pair[0] >= APART) {
                break places;
            }
        };
        let mut steps = Vec::new();
        let (mut level, mut logs) = (0.0, Vec::with_capacity(n));
        for at in 0..n {
            if places.contains(&at) {
                let size = random.random_range(SMALLEST_STEP.ln()..LARGEST_STEP.ln()).exp();
                level += if random.random() { size.ln_1p() } else { -size.ln_1p() };
                steps.push((at, size));
            }
            logs.push(level + pool.residuals[random.random_range(0..pool.residuals.len())]);
        }
        Self { logs, noise: pool.noise, steps }
    }

    fn series(&self) -> Series {
        let point = |(at, log): (usize, &f64)| Point { at: at.to_string(), value: log.exp(), environment: Vec::new() };
        Series { name: String::new(), points: self.logs.iter().enumerate().map(point).collect() }
    }
}

#[derive(Clone, Copy, Default)]
struct Score {
    found: usize,
    missed: usize,
    /// Reported where there is none.
    invented: usize,
    unchanged: usize,
    alarmed: usize,
}

impl Score {
    fn f1(&self) -> f64 {
        2.0 * self.found as f64 / (2 * self.found + self.missed + self.invented) as f64
    }

    fn false_alarms(&self) -> f64 {
        self.alarmed as f64 / self.unchanged as f64
    }

    fn and(self, other: &Self) -> Self {
        Self {
            found: self.found + other.found,
            missed: self.missed + other.missed,
            invented: self.invented + other.invented,
            unchanged: self.unchanged + other.unchanged,
            alarmed: self.alarmed + other.alarmed,
        }
    }
}

/// By class of noise; found and missed steps by class of size beside it.
#[derive(Default)]
struct Scores {
    by_noise: [Score; NOISES.len()],
    by_step: [[Score; STEPS.len()]; NOISES.len()],
}

impl Scores {
    fn add(&mut self, trial: &Trial, mut reported: Vec<usize>) {
        let class = NOISES.iter().position(|end| trial.noise <= *end).expect("the last class is open");
        let score = &mut self.by_noise[class];
        if trial.steps.is_empty() {
            score.unchanged += 1;
            score.alarmed += usize::from(!reported.is_empty());
        }
        for (place, size) in &trial.steps {
            let of_size = &mut self.by_step[class][STEPS.iter().position(|end| size <= end).expect("open")];
            let nearest = (0..reported.len()).min_by_key(|at| reported[*at].abs_diff(*place));
            match nearest.filter(|at| reported[*at].abs_diff(*place) <= NEAR) {
                Some(at) => {
                    reported.remove(at);
                    score.found += 1;
                    of_size.found += 1;
                }
                None => {
                    score.missed += 1;
                    of_size.missed += 1;
                }
            }
        }
        score.invented += reported.len();
    }

    fn quiet(&self) -> Score {
        let quiet = NOISES.iter().zip(&self.by_noise).filter(|(end, _)| **end <= QUIET);
        quiet.fold(Score::default(), |sum, (_, score)| sum.and(score))
    }

    fn all(&self) -> Score {
        self.by_noise.iter().fold(Score::default(), |sum, score| sum.and(score))
    }

    fn print(&self) {
        println!("| noise up to | F1 | precision | false alarms | steps 5–7 % found | 7–10 % | 10–20 % | 20–50 % |");
        println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for ((end, score), sizes) in NOISES.iter().zip(&self.by_noise).zip(&self.by_step) {
            let end = if end.is_finite() { format!("{} %", end * 100.0) } else { "any".into() };
            let precision = score.found as f64 / (score.found + score.invented) as f64;
            let found =
                sizes.iter().map(|size| format!("{:.3}", size.found as f64 / (size.found + size.missed) as f64));
            println!(
                "| {end} | {:.3} | {precision:.3} | {:.2} % of {} | {} |",
                score.f1(),
                score.false_alarms() * 100.0,
                score.unchanged,
                found.collect::<Vec<_>>().join(" | ")
            );
        }
    }
}

/// Seconds for 20,000 series of 26 points with an environment, changes and alerts included.
fn time_of_20_000(pools: &[Pool], random: &mut StdRng) -> f64 {
    let mut series = |at: usize| {
        let pool = &pools[at % pools.len()];
        let point = |i: usize, random: &mut StdRng| {
            let (driver, level) = if i < 13 { ("535", 0.0) } else { ("550", 0.1 * (at % 2) as f64) };
            let log: f64 = level + pool.residuals[random.random_range(0..pool.residuals.len())];
            Point { at: i.to_string(), value: log.exp(), environment: vec![(at % 100).to_string(), driver.to_owned()] }
        };
        Series { name: at.to_string(), points: (0..26).map(|i| point(i, random)).collect() }
    };
    let columns = vec!["device".to_owned(), "driver".to_owned()];
    let table = SeriesTable { columns, series: (0..20_000).map(&mut series).collect(), ..SeriesTable::default() };
    let start = Instant::now();
    let report = watch(&table, &WatchRules::default());
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} alerts gather {} changes",
        report.alerts.len(),
        report.series.iter().map(|s| s.changes.len()).sum::<usize>()
    );
    seconds
}
