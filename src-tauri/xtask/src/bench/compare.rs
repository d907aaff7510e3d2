//! Does `assay compare` tell what is so? A model against itself, and against one with 3 % and 5 % more work in the graph,
//! while another process keeps a core busy.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use super::{
    built, judge,
    measure::{Assay, json},
    onnx,
};
use crate::{
    error::{Step, StepError},
    places::Places,
};

/// Products of the smaller graph: each is 1 % of its work.
const PRODUCTS: usize = 100;
/// Rows and columns of each matrix.
const EDGE: usize = 96;
/// Trials of a kind, where the arguments do not say.
const TRIALS: usize = 200;
/// Longest time for the blocks of a trial, in seconds.
const BUDGET_SECS: f64 = 6.0;

/// What is compared, and what must come of it.
struct Kind {
    name: &'static str,
    /// Products of B beyond those of A.
    more: usize,
    claim: &'static str,
    /// Whether a share of trials called slower, and one called different at all, bear the claim out.
    holds: fn(slower: f64, different: f64) -> bool,
}

static KINDS: [Kind; 3] = [
    Kind {
        name: "same",
        more: 0,
        claim: "A against itself is called different in at most 2 % of trials",
        holds: |_, different| different <= 0.02,
    },
    Kind {
        name: "5",
        more: 5,
        claim: "5 % more work is found in at least 95 % of trials",
        holds: |slower, _| slower >= 0.95,
    },
    Kind {
        name: "3",
        more: 3,
        claim: "3 % more work is found in at least 80 % of trials",
        holds: |slower, _| slower >= 0.80,
    },
];

pub fn run(places: &Places, arguments: &[String]) -> Step {
    let Arguments { trials, budget_secs, program, kinds } = Arguments::of(arguments)?;
    let program = program.map_or_else(|| built(places), Ok)?;
    let folder = places.cache.join("bench").join("compare");
    fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
    let assay = Assay { places, program: &program, data: folder.join("data"), libraries: None };
    let busy = AtomicBool::new(true);
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            while busy.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let told: Result<Vec<_>, StepError> =
            kinds.iter().map(|kind| trials_of(kind, &assay, &folder, trials, budget_secs)).collect();
        busy.store(false, Ordering::Relaxed);
        told
    })?;
    for (kind, count) in kinds.iter().zip(told) {
        let share = |count: usize| count as f64 / trials as f64;
        println!(
            "{}: {} slower, {} faster, {} the same, {} not told, of {trials}; median time of the blocks {:.1} s",
            kind.name, count.slower, count.faster, count.same, count.open, count.median_secs
        );
        judge(kind.claim, (kind.holds)(share(count.slower), share(count.slower + count.faster)))?;
    }
    Ok(())
}

struct Arguments {
    trials: usize,
    budget_secs: f64,
    program: Option<PathBuf>,
    kinds: Vec<&'static Kind>,
}

impl Arguments {
    fn of(words: &[String]) -> Result<Self, StepError> {
        let mut arguments = Self { trials: TRIALS, budget_secs: BUDGET_SECS, program: None, kinds: Vec::new() };
        let mut words = words.iter();
        let wrong = |word: &str| {
            let remedy =
                "Write `cargo xtask bench compare [--trials N] [--budget-secs N] [--program FILE] [same|5|3]…`.";
            StepError::missing(format!("`{word}` is not understood"), remedy)
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| wrong(word));
            match word.as_str() {
                "--trials" => arguments.trials = value()?.parse().map_err(|_| wrong(word))?,
                "--budget-secs" => arguments.budget_secs = value()?.parse().map_err(|_| wrong(word))?,
                "--program" => arguments.program = Some(value()?.into()),
                name => arguments.kinds.push(KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| wrong(word))?),
            }
        }
        if arguments.kinds.is_empty() {
            arguments.kinds = KINDS.iter().collect();
        }
        Ok(arguments)
    }
}

/// How many trials ended how.
#[derive(Default)]
struct Count {
    slower: usize,
    faster: usize,
    same: usize,
    open: usize,
    median_secs: f64,
}

fn trials_of(kind: &Kind, assay: &Assay, folder: &Path, trials: usize, budget_secs: f64) -> Result<Count, StepError> {
    let write = |products: usize| {
        let file = folder.join(format!("{products}.onnx"));
        fs::write(&file, onnx::products(products, EDGE)).map_err(StepError::file("write", &file))?;
        Ok::<_, StepError>(file)
    };
    let (a, b) = (write(PRODUCTS)?, write(PRODUCTS + kind.more)?);
    let side = |model: &Path| format!("model={},engine=onnxruntime,threads=1", model.display());
    let mut count = Count::default();
    let mut secs = Vec::with_capacity(trials);
    for number in 1..=trials {
        let began = Instant::now();
        let mut command = assay.command();
        command.args(["compare", "--a", &side(&a), "--b", &side(&b), "--json"]);
        let told = json(command.args(["--budget-secs", &budget_secs.to_string()]))?;
        let verdict = told["result"]["verdict"].as_str().unwrap_or("none").to_owned();
        *match verdict.as_str() {
            "slower" => &mut count.slower,
            "faster" => &mut count.faster,
            "same" => &mut count.same,
            _ => &mut count.open,
        } += 1;
        let last = told["rounds"].as_array().and_then(|rounds| rounds.last()?["ended_secs"].as_f64());
        secs.extend(last);
        println!(
            "{} {number:3}: {verdict}, {} rounds in {:.1} s of {:.1} s; {}; load {}",
            kind.name,
            told["result"]["rounds"],
            last.unwrap_or_default(),
            began.elapsed().as_secs_f64(),
            told["sentence"].as_str().unwrap_or("no sentence"),
            told["a"]["environment"]["load"]
        );
    }
    count.median_secs = if secs.is_empty() { f64::NAN } else { super::ratio::median(secs) };
    Ok(count)
}
