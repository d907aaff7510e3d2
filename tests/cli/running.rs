//! Commands over a store that a running Assay has open.

#[path = "../common/desk.rs"]
mod desk;

use crate::shell::Shell;
use contract::*;
use desk::TestDesk;
use std::{process::Stdio, time::Instant};

/// A measurement in the store of this desk.
fn measure(desk: &TestDesk) -> Vec<String> {
    let store = desk.folder.path().join("assay.duckdb").display().to_string();
    ["measure", "--model", "bert-tiny", "--engine", "candle", "--store", &store].map(str::to_owned).into()
}

#[test]
fn a_paused_queue_is_told_at_once_and_keeps_nothing_of_what_was_asked() {
    let (shell, desk) = (Shell::new(), TestDesk::open());
    desk.ask(PauseQueue { paused: true }).unwrap();
    let arguments = measure(&desk);
    let (code, said) = shell.fails(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(code == 1 && said.contains("it is paused. Press Resume there, or choose another --store"), "{said}");
    assert_eq!(desk.ask(GetQueue {}).unwrap().jobs, []);
}

#[test]
fn a_queue_that_is_paused_meanwhile_ends_the_wait_and_the_job() {
    let (shell, desk) = (Shell::new(), TestDesk::open());
    // What is asked for waits behind these.
    let plan = Plan { batches: (1..=20).collect(), ..desk.plan("preset:bert-tiny") };
    let before = desk.ask(StartPlan { plan }).unwrap();
    let all_are_before = |desk: &TestDesk| {
        let jobs = desk.ask(GetQueue {}).unwrap().jobs;
        jobs.iter().all(|job| before.contains(&job.id))
    };
    let arguments = measure(&desk);
    let mut command = shell.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let waiting = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    desk.wait_for("its job", |desk| (!all_are_before(desk)).then_some(()));
    desk.ask(PauseQueue { paused: true }).unwrap();
    let paused = Instant::now();
    let ended = waiting.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(1) && said.contains("it is paused"), "{said}");
    assert!(paused.elapsed().as_secs() < 10, "it took {:?}", paused.elapsed());
    assert!(all_are_before(&desk), "its job was taken out of the queue");
    assert!(desk.ask(CancelAll {}).unwrap() > 0, "the others are still there");
}
