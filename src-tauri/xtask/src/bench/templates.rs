//! Do the generated tests run with the real libraries? Every model type with a known count of parameters, on the
//! processor, through the Python that is named; and are planted defects caught? The lists go into docs/templates.md.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, process::Command, time::Instant};

use serde::Deserialize;

use super::judge;
use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
    process::run as run_command,
};

/// Of the types with a count, so many must pass.
const ENOUGH: usize = 450;
const LONGEST_MINUTES: f64 = 40.0;

#[derive(Deserialize)]
struct Versions {
    torch: String,
    transformers: String,
}

/// How the tests of one file ended.
#[derive(Deserialize)]
struct Told {
    file: String,
    tests: BTreeMap<String, Test>,
}

#[derive(Deserialize)]
struct Test {
    outcome: String,
    reason: String,
    /// File and line that raised.
    place: String,
}

#[derive(Deserialize)]
struct Defect {
    defect: String,
    file: String,
    test: Option<String>,
    caught: bool,
    reason: String,
}

/// `python` needs torch, transformers and pytest.
pub fn run(places: &Places, python: &Path) -> Step {
    let folder = places.cache.join("bench").join("templates");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(StepError::file("remove", &folder))?;
    }
    fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
    let generate = || {
        println!("• generate the tests");
        let example = ["run", "--quiet", "-p", "assay-workbench", "--example", "tests", "--"];
        run_command(cargo(places).args(example).arg(&folder))
    };
    generate()?;

    let scripts = places.xtask().join("bench");
    let (results, defects) = (folder.join("results.jsonl"), folder.join("defects.jsonl"));
    println!("• run the tests");
    let outputs = places.root.join("src-tauri/crates/workbench/src/facts/outputs.jsonl");
    let start = Instant::now();
    let mut tests = Command::new(python);
    run_command(tests.arg(scripts.join("templates.py")).args([&folder, &results]).arg("--outputs").arg(outputs))?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    // The outputs that were seen are in the tests from here on.
    generate()?;
    println!("• plant defects");
    run_command(Command::new(python).arg(scripts.join("defects.py")).args([&folder, &defects]))?;

    let text = read(&results)?;
    let mut lines = text.lines();
    let versions: Versions = parse(&results, lines.next().unwrap_or_default())?;
    let told: Vec<Told> = lines.map(|line| parse(&results, line)).collect::<Result<_, _>>()?;
    let defects: Vec<Defect> = read(&defects)?.lines().map(|line| parse(&defects, line)).collect::<Result<_, _>>()?;
    let ended = Ended::sorted(told);
    let page = places.root.join("docs").join("templates.md");
    fs::write(&page, document(&versions, &ended, &defects, minutes)).map_err(StepError::file("write", &page))?;

    println!("{} types passed in {minutes:.0} minutes; see {}", ended.passed.len(), page.display());
    judge("at least 450 types pass", ended.passed.len() >= ENOUGH)?;
    judge("they take at most 40 minutes", minutes <= LONGEST_MINUTES)?;
    judge("every planted defect is caught", defects.iter().all(|defect| defect.caught))
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
            let tests: Vec<&str> = failed.iter().map(|(test, _)| test.trim_start_matches("test_")).collect();
            let reason = first.reason.lines().next().unwrap_or_default();
            ended.failed.push([name, tests.join(", ").replace('_', " "), format!("{reason} ({})", first.place)]);
        }
        ended.passed.sort();
        ended.failed.sort();
        ended
    }
}

fn document(versions: &Versions, ended: &Ended, defects: &[Defect], minutes: f64) -> String {
    let mut text = format!(
        "# Generated tests, run\n\n\
         Written by `cargo xtask bench templates PYTHON` with transformers {} and PyTorch {} on the processor, \
         two files at a time, in {minutes:.0} minutes.\n\
         Of the {} model types whose parameters are known, the unchanged tests of {} pass.\n\n",
        versions.transformers,
        versions.torch,
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
        let test = defect.test.as_deref().unwrap_or("").trim_start_matches("test_").replace('_', " ");
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
