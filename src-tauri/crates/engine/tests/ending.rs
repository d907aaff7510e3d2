//! Workers that come to a bad end: each is a result with its phase, and leaves nothing behind.
#![cfg(target_os = "linux")]

mod bench;

use bench::{Bench, program};
use contract::{FailureKind, Outcome, PhaseName};
use engine::{
    Control, Limits, measure,
    worker::{Order, Pace, RunOrder},
};
use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// The tests find workers as children of this process, so one test at a time may have any.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn workers() -> Vec<i32> {
    let own = std::process::id();
    let mut workers = Vec::new();
    for task in fs::read_dir(format!("/proc/{own}/task")).unwrap().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        workers.extend(children.split_whitespace().map(|pid| pid.parse::<i32>().unwrap()));
    }
    workers
}

fn signal_workers(signal: i32) {
    for pid in workers() {
        // SAFETY: sends a signal to a child of this process.
        unsafe {
            libc::kill(pid, signal);
        }
    }
}

/// A measurement whose worker gets a signal once it is warm.
fn signalled(signal: i32) -> contract::Run {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let bench = Bench::new();
    let mut job = bench.job("candle", 512, &[]);
    job.setting.budget_secs = 60.0;
    let run = measure(&program(), &job, &Control::default(), &mut |live| {
        if live.phase == PhaseName::Warm && live.samples > 0 {
            signal_workers(signal);
        }
    });
    assert!(workers().is_empty());
    run
}

#[test]
fn a_segmentation_fault_is_a_result_with_its_phase() {
    let run = signalled(libc::SIGSEGV);
    let Outcome::Failed { phase, kind, message, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((*phase, *kind), (PhaseName::Warm, FailureKind::Crash));
    assert!(message.contains("SIGSEGV"), "{message}");
    assert!(run.timing.is_none() && !run.samples_ms.is_empty(), "samples are kept, figures are not made of them");
}

#[test]
fn a_kill_from_outside_is_told_apart_from_a_lack_of_memory() {
    let run = signalled(libc::SIGKILL);
    assert!(
        matches!(&run.outcome, Outcome::Failed { kind: FailureKind::Crash, message, .. } if message.contains("SIGKILL"))
    );
}

#[test]
fn more_memory_than_allowed_ends_the_worker() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let bench = Bench::new();
    let mut job = bench.job("candle", 2048, &[]);
    job.limits.memory_bytes = 120 << 20;
    let run = measure(&program(), &job, &Control::default(), &mut |_| {});
    let Outcome::Failed { kind, remedy, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(*kind, FailureKind::OutOfMemory);
    assert!(remedy.is_some());
    assert!(workers().is_empty());
}

#[test]
fn a_worker_that_takes_too_long_is_ended_in_its_phase() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let bench = Bench::new();
    let mut job = bench.job("candle", 1024, &[]);
    job.setting.budget_secs = 60.0;
    job.limits = Limits { timeout: Duration::from_millis(1500), ..job.limits };
    let start = Instant::now();
    let run = measure(&program(), &job, &Control::default(), &mut |_| {});
    assert!(start.elapsed() < Duration::from_millis(2500));
    assert!(matches!(&run.outcome, Outcome::Failed { kind: FailureKind::TimedOut, .. }), "{:?}", run.outcome);
    assert!(workers().is_empty());
}

#[test]
fn cancelling_ends_the_worker_within_a_second() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let bench = Bench::new();
    let mut job = bench.job("candle", 1024, &[]);
    job.setting.budget_secs = 60.0;
    let control = Control::default();
    let mut asked = None;
    let run = measure(&program(), &job, &control, &mut |live| {
        if live.phase == PhaseName::WarmUp && asked.is_none() {
            asked = Some(Instant::now());
            control.cancel();
        }
    });
    assert!(asked.unwrap().elapsed() < Duration::from_secs(1));
    assert!(matches!(&run.outcome, Outcome::Failed { kind: FailureKind::Cancelled, .. }), "{:?}", run.outcome);
    assert!(workers().is_empty());
}

/// What the kernel does to the pipes of a parent that is killed.
#[test]
fn a_worker_ends_when_its_parent_is_gone() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let bench = Bench::new();
    let job = bench.job("candle", 1024, &[]);
    let inputs: Vec<_> = (0..4).map(|i| bench.path().join(format!("{i}.safetensors"))).collect();
    let make = Order::Inputs { onnx: job.onnx.clone(), dims: job.dims.clone(), seed: 1, files: inputs.clone() };
    engine::worker::ask::<()>(&program(), &make, Duration::from_secs(20)).unwrap();
    let order = Order::Run(RunOrder {
        load: bench::load_request(&job),
        inputs,
        references: Vec::new(),
        exact: Vec::new(),
        scores: None,
        seed: 1,
        pace: Pace::Alone { budget_secs: 60.0 },
    });
    let opening = serde_json::json!({ "memory_bytes": 4_u64 << 30, "order": order });
    let mut worker = Command::new(program().path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    writeln!(stdin, "{opening}").unwrap();
    thread::sleep(Duration::from_millis(600));
    assert!(worker.try_wait().unwrap().is_none(), "the worker is at work");
    drop(stdin);
    let start = Instant::now();
    while worker.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(1), "the worker outlived its parent");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_program_that_is_no_worker_is_told() {
    let error = engine::worker::ask::<()>(
        &engine::Program { path: "/bin/true".into(), args: Vec::new() },
        &Order::Probe { engine: "candle".into(), library: None },
        Duration::from_secs(5),
    );
    let sentence = error.unwrap_err().to_string();
    assert!(sentence.contains("ended by itself with code 0"), "{sentence}");
}
