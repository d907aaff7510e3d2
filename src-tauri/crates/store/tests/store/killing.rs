//! Killed at any moment, the store keeps every result it acknowledged.

#![cfg(unix)]

use crate::making::{fresh, id, run};
use crate::opening::child;
use contract::Platform;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;
use store::Store;

#[test]
fn a_committed_result_survives_a_kill_at_any_moment() {
    let (_folder, store) = fresh();
    let path = store.path().to_owned();
    drop(store);
    let mut acknowledged = 0_u128;
    for round in 0..20_u64 {
        let mut process = child("killing::child_writes")
            .env("ASSAY_TEST_STORE", &path)
            .env("ASSAY_TEST_FROM", (acknowledged + 1).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (heard, first) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("STORED ")?.parse().ok());
            numbers
                .inspect(|_| {
                    let _ = heard.send(());
                })
                .last()
                .unwrap_or(0_u128)
        });
        // Every fourth round ends while the store is being opened, the others a while after a first result.
        if round % 4 != 0 {
            first.recv_timeout(Duration::from_secs(120)).expect("the child writes a first result");
        }
        std::thread::sleep(Duration::from_millis((round * 7919) % 300));
        process.kill().unwrap();
        process.wait().unwrap();
        let last = reader.join().unwrap();
        let known = acknowledged;
        acknowledged = acknowledged.max(last);
        let store = Store::open(&path).unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        for number in known + 1..=acknowledged {
            assert_eq!(store.run(&id(number)).unwrap(), Some(sampled(number)), "round {round}, result {number}");
        }
        // One more may have been committed before its acknowledgement was heard.
        let count = u128::from(store.count().unwrap());
        assert!(count == acknowledged || count == acknowledged + 1, "round {round}: {count} of {acknowledged}");
        acknowledged = count;
    }
    assert!(acknowledged >= 15, "only {acknowledged} results were written in twenty rounds");
    let store = Store::open(&path).unwrap();
    for number in 1..=acknowledged {
        assert_eq!(store.run(&id(number)).unwrap(), Some(sampled(number)), "result {number} at the end");
    }
}

fn sampled(number: u128) -> contract::Run {
    let mut run = run(number, "bert", Platform::Cpu, 1.0);
    run.samples_ms = (0..2000).map(|at| f64::from(at).sin() + number as f64).collect();
    run
}

#[test]
#[ignore = "started by the test above it, in a process of its own"]
fn child_writes() {
    let path = PathBuf::from(std::env::var_os("ASSAY_TEST_STORE").unwrap());
    let from: u128 = std::env::var("ASSAY_TEST_FROM").unwrap().parse().unwrap();
    let store = Store::open(&path).unwrap();
    // The test runner has begun a line with the test's name, which would hide the first number.
    println!();
    for number in from.. {
        store.insert_run(&sampled(number)).unwrap();
        println!("STORED {number}");
    }
}
