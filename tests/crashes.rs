//! A crash is a result, and a killed app loses none.
#![cfg(target_os = "linux")]

#[path = "common/desk.rs"]
mod desk;
#[path = "common/display.rs"]
mod display;

use assay_app::instance::Doorbell;
use contract::*;
use desk::TestDesk;
use display::Display;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Seconds after which the app is killed, counted from its first answer: while it scans, writes weights, starts a
/// worker, samples, stores. `cargo xtask bench kill` does it at fifty random moments.
const MOMENTS: [f64; 6] = [0.2, 3.0, 1.6, 4.7, 2.4, 3.7];

/// The program with its window on a display of its own.
struct App {
    child: Child,
    bell: Doorbell,
}

impl App {
    fn start(display: &Display, data: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_assay"))
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("ASSAY_DATA", data)
            .env("NO_AT_BRIDGE", "1")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bell = Doorbell::of(&data.join("assay.duckdb")).unwrap();
        let began = Instant::now();
        while bell.ask(Hello {}).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the app does not answer");
            sleep(Duration::from_millis(50));
        }
        Self { child, bell }
    }

    fn ask<R: Request>(&self, request: R) -> R::Answer {
        self.bell.ask(request).unwrap()
    }

    fn stored(&self) -> BTreeSet<String> {
        let page = self.ask(ListRuns { filter: Filter::default(), order: RunOrder::Newest, offset: 0, limit: 100 });
        page.rows.into_iter().map(|row| row.id.0).collect()
    }

    /// SIGKILL: nothing in the app runs any more.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The system ends the workers together with the app.
fn no_worker_is_left(data: &Path) {
    let began = Instant::now();
    while workers_of(data) > 0 {
        assert!(began.elapsed() < Duration::from_secs(2), "a worker outlives the app");
        sleep(Duration::from_millis(50));
    }
}

fn workers_of(data: &Path) -> usize {
    let mark = format!("ASSAY_DATA={}", data.display());
    let has_mark = |pid: &u32| {
        String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()).contains(&mark)
    };
    workers().filter(has_mark).count()
}

/// Every worker process on this machine.
fn workers() -> impl Iterator<Item = u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().ends_with(b"/assay-worker\0"))
}

fn is_child_of(pid: u32, parent: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["PPid:", &parent.to_string()]))
}

#[test]
fn killing_the_app_during_a_queue_loses_no_result_and_the_next_start_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let display = Display::start();
    let mut app = App::start(&display, data.path());
    let plan = Plan {
        models: vec!["preset:bert-tiny".into()],
        targets: vec![TargetChoice { engine: "candle".into(), device: "cpu".into() }],
        precisions: vec![Precision::F32],
        mode: Mode::Inference,
        batches: (1..=12).collect(),
        sizes: Default::default(),
        dims: Default::default(),
        padding: Default::default(),
        threads: vec![],
        seed: 1,
        budget_secs: 0.5,
    };
    let jobs: BTreeSet<String> = app.ask(StartPlan { plan }).into_iter().map(|job| job.0).collect();
    for moment in MOMENTS {
        sleep(Duration::from_secs_f64(moment));
        let before = app.stored();
        app.kill();
        no_worker_is_left(data.path());
        app = App::start(&display, data.path());
        let after = app.stored();
        assert!(before.is_subset(&after), "lost: {:?}", before.difference(&after));
        let waiting: BTreeSet<String> = app.ask(GetQueue {}).jobs.into_iter().map(|job| job.id.0).collect();
        let known: BTreeSet<String> = app.stored().union(&waiting).cloned().collect();
        assert_eq!(known, jobs, "every job is stored or waits");
    }
    let began = Instant::now();
    while !app.ask(GetQueue {}).jobs.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(180), "the queue does not end");
        sleep(Duration::from_millis(200));
    }
    assert_eq!(app.stored(), jobs, "each job has one result");
}

#[test]
fn a_second_start_shows_the_first_and_commands_go_through_it() {
    let data = tempfile::tempdir().unwrap();
    let display = Display::start();
    let app = App::start(&display, data.path());
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).env("DISPLAY", &display.name).env("ASSAY_DATA", data.path()).output().unwrap()
    };
    let began = Instant::now();
    // The first start owns the store a moment before its window is there to be shown.
    let shown = (0..20).any(|_| {
        let shown = program(&[]).status.success();
        std::thread::sleep(Duration::from_millis(100));
        shown
    });
    assert!(shown, "the second start is told that the first one came to the front");
    assert!(began.elapsed() < Duration::from_secs(5), "it opens no window of its own");

    let store = data.path().join("assay.duckdb").display().to_string();
    let arguments =
        ["measure", "--model", "bert-tiny", "--engine", "candle", "--budget-secs", "1", "--store", &store, "--json"];
    let output = program(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run: Run = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(app.ask(GetRun { id: run.id.clone() }).id, run.id, "the running app has stored it");
    let rows: serde_json::Value = serde_json::from_slice(
        &program(&["query", "--store", &store, "SELECT count(*) AS n FROM runs", "--json"]).stdout,
    )
    .unwrap();
    assert_eq!(rows[0]["n"], 1);
}

#[test]
fn a_chosen_store_that_is_not_there_is_told_and_not_made_anew() {
    let data = tempfile::tempdir().unwrap();
    let chosen = data.path().join("unplugged/results.duckdb");
    fs::write(data.path().join("store.txt"), chosen.to_str().unwrap()).unwrap();
    let display = Display::start();
    let app = App::start(&display, data.path());
    let start = app.ask(Hello {});
    let Some(Failure::Store { path, reason, .. }) = start.store_failure else { panic!("it cannot be open") };
    assert_eq!((path, reason.as_str()), (chosen.display().to_string(), "it is not there"));
    app.ask(OpenStore { path: Some(start.usual_store.unwrap()) });
    assert_eq!(app.ask(Hello {}).store_failure, None, "the usual one is opened instead");
    assert!(!chosen.parent().unwrap().exists());
}

#[test]
fn a_worker_killed_by_a_signal_is_a_result_with_its_phase() {
    let desk = TestDesk::open();
    // Ten calls of this size take many seconds.
    let plan = Plan { budget_secs: 60.0, batches: vec![256], ..desk.plan("preset:bert-tiny") };
    let job = desk.ask(StartPlan { plan }).unwrap().remove(0);
    desk.wait_for("samples", |desk| desk.ask(GetLive {}).unwrap().filter(|live| live.phase == PhaseName::Warm));
    let worker = workers().find(|pid| is_child_of(*pid, std::process::id())).expect("a worker is at work");
    assert!(Command::new("kill").args(["-ABRT", &worker.to_string()]).status().unwrap().success());
    let run = desk.result_of(&job);
    let Outcome::Failed { phase, kind, message, .. } = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((phase, kind), (PhaseName::Warm, FailureKind::Crash), "{message}");
    assert!(desk.ask(Hello {}).is_ok(), "the app goes on");
}

#[test]
fn a_worker_that_takes_too_long_is_a_result_with_its_phase() {
    let desk = TestDesk::open();
    desk.ask(SaveSettings { settings: Settings { timeout_secs: 4.0, ..Settings::default() } }).unwrap();
    let plan = Plan { budget_secs: 60.0, batches: vec![256], ..desk.plan("preset:bert-tiny") };
    let job = desk.ask(StartPlan { plan }).unwrap().remove(0);
    let run = desk.result_of(&job);
    let Outcome::Failed { phase, kind, message, .. } = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(kind, FailureKind::TimedOut, "{message}");
    assert!(phase > PhaseName::Acquire);
}

#[test]
fn a_worker_out_of_memory_is_a_result_with_its_phase() {
    let desk = TestDesk::open();
    let plan = desk.plan("preset:bert-base-uncased");
    let installed = desk.ask(GetMachine {}).unwrap().memory_bytes as f64;
    let needed = desk.ask(EstimatePlan { plan: plan.clone() }).unwrap().lines[0].memory_bytes.unwrap() as f64;
    // The graph's own need just fits, but the engine's code and working memory do not.
    let memory_share = needed * 1.01 / installed;
    desk.ask(SaveSettings { settings: Settings { memory_share, ..Settings::default() } }).unwrap();
    let job = desk.ask(StartPlan { plan }).unwrap().remove(0);
    let run = desk.result_of(&job);
    let Outcome::Failed { phase, kind, message, .. } = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(kind, FailureKind::OutOfMemory, "{message}");
    assert!(phase > PhaseName::Acquire);
}
