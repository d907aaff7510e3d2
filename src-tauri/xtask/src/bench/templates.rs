//! Do the templates that ship hold? Every file renders and can be read; the generated tests run with the real
//! libraries, for every model type with a known count of parameters, on the processor, through the Python that is
//! named; and planted defects are caught. The lists go into docs/templates.md.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, process::Command};

use serde::Deserialize;

use super::{fresh, judge};
use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
    process::{output, run as run_command},
};

/// Of the types with a count, so many must pass.
const ENOUGH: usize = 450;
const LONGEST_MINUTES: f64 = 40.0;
/// For rendering and reading every file there is.
const LONGEST_SECS: f64 = 15.0;
/// Files tested at once.
const PROCESSES: usize = 2;

/// What every file rendered and read took.
#[derive(Deserialize)]
struct Every {
    files: u64,
    bytes: u64,
    unsound: u64,
    secs: f64,
}

/// How the tests of one file ended.
#[derive(Deserialize)]
struct Told {
    file: String,
    tests: BTreeMap<String, Test>,
    /// Processor time; none where the process died.
    cpu_secs: Option<f64>,
    /// What the model gave.
    seen: Option<Seen>,
}

#[derive(Deserialize)]
struct Test {
    outcome: String,
    reason: String,
    /// File and line that raised.
    place: String,
}

#[derive(Deserialize)]
struct Seen {
    model_type: String,
    outputs: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Defect {
    defect: String,
    file: String,
    test: Option<String>,
    caught: bool,
    reason: String,
}

/// `python` needs torch, transformers and pytest. Tests that a run told of already, with the same text and the same
/// libraries, are not run again: one that was stopped goes on.
pub fn run(places: &Places, python: &Path) -> Step {
    let folder = places.cache.join("bench").join("templates");
    let (files, results, defects) = (folder.join("files"), folder.join("results.jsonl"), folder.join("defects.jsonl"));
    let every = render_all(places)?;
    generate(places, &files)?;
    println!("• run the tests");
    let scripts = places.xtask().join("bench");
    let script = |name: &str| {
        let mut command = Command::new(python);
        command.arg(scripts.join(name)).arg(&files);
        command
    };
    let processes = PROCESSES.to_string();
    run_command(script("templates.py").arg(&results).args(["--processes", &processes]))?;
    let text = read(&results)?;
    let mut lines = text.lines();
    let versions: BTreeMap<String, String> = parse(&results, lines.next().unwrap_or_default())?;
    let told: Vec<Told> = lines.map(|line| parse(&results, line)).collect::<Result<_, _>>()?;
    keep_outputs(places, &told)?;
    // The outputs that were seen are in the tests from here on.
    generate(places, &files)?;
    println!("• plant defects");
    run_command(script("defects.py").arg(&defects))?;
    let defects: Vec<Defect> = read(&defects)?.lines().map(|line| parse(&defects, line)).collect::<Result<_, _>>()?;

    let minutes = told.iter().filter_map(|told| told.cpu_secs).sum::<f64>() / 60.0;
    let ended = Ended::sorted(told);
    let page = places.root.join("docs").join("templates.md");
    fs::write(&page, document(&versions, &every, &ended, &defects, minutes))
        .map_err(StepError::file("write", &page))?;

    println!("{} types passed in {minutes:.0} minutes of processor time; see {}", ended.passed.len(), page.display());
    judge("every file can be read", every.unsound == 0)?;
    judge("all are rendered and read in 15 s", every.secs <= LONGEST_SECS)?;
    judge("at least 450 types pass", ended.passed.len() >= ENOUGH)?;
    judge("two processes need at most 40 minutes", minutes / PROCESSES as f64 <= LONGEST_MINUTES)?;
    judge("every planted defect is caught", defects.iter().all(|defect| defect.caught))
}

fn example(places: &Places, name: &str) -> Command {
    let mut command = cargo(places);
    command.args(["run", "--release", "--quiet", "-p", "assay-workbench", "--example", name, "--"]);
    command
}

fn render_all(places: &Places) -> Result<Every, StepError> {
    println!("• render and read every file");
    let told = output(&mut example(places, "every"))?;
    let every: Every = parse(Path::new("what the example tells"), told.trim())?;
    println!("{} files, {} MB, {:.1} s", every.files, every.bytes / 1_000_000, every.secs);
    Ok(every)
}

fn generate(places: &Places, folder: &Path) -> Step {
    println!("• generate the tests");
    fresh(folder)?;
    run_command(example(places, "tests").arg(folder))
}

/// Writes what models gave whose every test passed; types that did not pass now keep the line that they had.
fn keep_outputs(places: &Places, told: &[Told]) -> Step {
    let path = places.root.join("src-tauri/crates/workbench/src/facts/outputs.jsonl");
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for line in read(&path)?.lines() {
        kept.insert(parse::<Seen>(&path, line)?.model_type, line.to_owned());
    }
    for told in told.iter().filter(|told| told.tests.values().all(|test| test.outcome == "passed")) {
        if let Some(Seen { model_type, outputs }) = &told.seen {
            let line = serde_json::json!({ "model_type": model_type, "outputs": outputs });
            kept.insert(model_type.clone(), line.to_string());
        }
    }
    let text: String = kept.values().map(|line| format!("{line}\n")).collect();
    fs::write(&path, text).map_err(StepError::file("write", &path))
}

/// Files by how their tests ended.
#[derive(Default)]
struct Ended {
    passed: Vec<String>,
    /// Name, the tests that did not pass, and why the first did not.
    failed: Vec<[String; 3]>,
}

impl Ended {
    fn sorted(told: Vec<Told>) -> Self {
        let mut ended = Self::default();
        for file in told {
            let name = file.file.trim_start_matches("test_").trim_end_matches("_cpu.py").to_owned();
            let failed: Vec<(&String, &Test)> =
                file.tests.iter().filter(|(_, test)| test.outcome != "passed").collect();
            let Some((_, first)) = failed.first() else {
                ended.passed.push(name);
                continue;
            };
            let tests: Vec<&str> = failed.iter().map(|(test, _)| test.as_str()).collect();
            let reason = first.reason.lines().next().unwrap_or_default();
            ended.failed.push([name, tests.join(", ").replace('_', " "), format!("{reason} ({})", first.place)]);
        }
        ended.passed.sort();
        ended.failed.sort();
        ended
    }
}

fn document(
    versions: &BTreeMap<String, String>,
    every: &Every,
    ended: &Ended,
    defects: &[Defect],
    minutes: f64,
) -> String {
    let version = |name: &str| versions.get(name).map_or("unknown", String::as_str);
    let mut text = format!(
        "# Generated files, checked and run\n\n\
         Written by `cargo xtask bench templates PYTHON`.\n\n\
         {} files, {} MB, of every model type, platform and kind were rendered and read in {:.1} s; {} are not sound.\n\
         One process renders them here; Assay itself gives them to processes that a hostile template can only end.\n\
         With transformers {} and PyTorch {} on the processor, in {minutes:.0} minutes of processor time: \
         of the {} model types whose parameters are known, the unchanged tests of {} pass.\n\n",
        every.files,
        every.bytes / 1_000_000,
        every.secs,
        every.unsound,
        version("transformers"),
        version("torch"),
        ended.passed.len() + ended.failed.len(),
        ended.passed.len(),
    );
    text.push_str("## Planted defects\n\nEach is planted alone; the named test must fail.\n\n| planted | in | test | caught | what it said |\n| --- | --- | --- | --- | --- |\n");
    for defect in defects {
        let caught = match (&defect.test, defect.caught) {
            (None, true) => "all pass, as they should",
            (Some(_), true) => "yes",
            (_, false) => "no",
        };
        let said = cell(defect.reason.lines().next().unwrap_or_default());
        let test = defect.test.as_deref().unwrap_or("").replace('_', " ");
        let _ =
            writeln!(text, "| {} | {} | {test} | {caught} | {said} |", defect.defect, defect.file.replace('_', " on "));
    }
    text.push_str("\n## Types that do not pass\n\nThe reason is that of the first test that failed, in the words of whoever raised it, with its place.\n\n| type | tests | reason |\n| --- | --- | --- |\n");
    for [name, tests, reason] in &ended.failed {
        let _ = writeln!(text, "| {name} | {tests} | {} |", cell(reason));
    }
    let _ = write!(text, "\n## Types that pass\n\n{}\n", ended.passed.join(", "));
    text
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(200).collect();
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn read(path: &Path) -> Result<String, StepError> {
    fs::read_to_string(path).map_err(StepError::file("read", path))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, line: &str) -> Result<T, StepError> {
    serde_json::from_str(line).map_err(|error| {
        StepError::missing(format!("{} is not as expected: {error}", path.display()), "Run this again.")
    })
}
