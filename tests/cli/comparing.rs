//! Two settings measured in turn.

use crate::shell::Shell;
#[cfg(unix)]
use crate::shell::wait_for_worker;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn two_settings_are_measured_in_turn_and_kept_with_their_rounds() {
    let shell = Shell::new();
    let told = shell.json(&[
        "compare",
        "--a",
        "model=bert-tiny engine=candle length=16 threads=1",
        "--b",
        "engine=candle",
        "length=512",
        "threads=1",
        "--budget-secs",
        "20",
        "--store",
        "c.duckdb",
        "--json",
    ]);
    // So much more text that it is told on a machine that does other work beside it.
    assert_eq!(told["result"]["verdict"], "slower", "{}", told["sentence"]);
    assert!(told["result"]["interval"]["low"].as_f64().unwrap() > 1.01, "{}", told["result"]);
    assert!(told["sentence"].as_str().unwrap().starts_with("B is slower: it takes "), "{}", told["sentence"]);
    for side in ["a", "b"] {
        assert_eq!(told[side]["timing"]["stop"], "compared");
        assert!(told[side]["check"]["verdict"].is_string() && told[side]["effective"]["threads"] == 1);
        assert!(told[side]["samples_ms"].as_array().unwrap().len() > 30);
    }
    let rounds = told["rounds"].as_array().unwrap();
    assert!(rounds.len() >= 15 && rounds.iter().any(|round| round["first"] == "A"));
    assert!(rounds.iter().any(|round| round["first"] == "B"), "the coin has two sides");
    let sql = "SELECT verdict, (SELECT count(*) FROM runs) AS runs FROM comparisons";
    let kept = shell.json(&["query", "--store", "c.duckdb", sql, "--json"]);
    assert_eq!((&kept[0]["verdict"], &kept[0]["runs"]), (&"slower".into(), &2.into()));
}

#[test]
fn a_setting_that_cannot_be_understood_or_used_is_refused_by_its_key() {
    let shell = Shell::new();
    let compare = |b: &str| shell.fails(&["compare", "--a", "model=bert-tiny engine=candle", "--b", b]);
    let (code, said) = compare("engine=candle,colour=red");
    assert!(code == 1 && said.contains("colour") && said.contains("precision"), "{said}");
    let (_, said) = compare("precision=f33");
    assert!(said.contains("f33") && said.contains("bf16"), "{said}");
    let (_, said) = compare("engine=candle batch=2 batch=4");
    assert!(said.contains("--b") && said.contains("batch"), "{said}");
    let (_, said) = compare("candle");
    assert!(said.contains("candle is not KEY=VALUE"), "{said}");
    let (_, said) = compare("engine=abacus");
    assert!(said.contains("abacus"), "{said}");
    let (_, said) = compare("engine=candle libraries=no-such-folder");
    assert!(said.contains("no-such-folder"), "{said}");
    fs::create_dir(shell.path("empty libraries")).unwrap();
    let (_, said) = compare("libraries=empty libraries");
    assert!(said.contains("empty libraries") && said.contains("no library"), "{said}");
    let (_, said) = compare("engine=candle length=100000");
    assert!(said.contains("100000"), "{said}");
    let limit = |limit: &[&str]| {
        let sides = ["compare", "--a", "model=bert-tiny engine=candle", "--b", "engine=candle"];
        shell.fails(&[&sides[..], limit].concat()).1
    };
    assert!(limit(&["--percentile", "p95"]).contains("--limit-ms"));
    assert!(limit(&["--limit-ms", "3"]).contains("--percentile"));
    assert!(limit(&["--percentile", "95", "--limit-ms", "3"]).contains("such as p95"));
    assert!(limit(&["--percentile", "p100", "--limit-ms", "3"]).contains("p99.9"));
}

#[test]
fn a_comparison_says_whether_each_side_keeps_a_percentile_within_a_limit() {
    let shell = Shell::new();
    let sides = ["compare", "--a", "model=bert-tiny engine=candle length=16 threads=1", "--b", "length=32"];
    // A call in each of 41 rounds tells it; of a p95 it would take 208.
    let limit = ["--percentile", "p80", "--limit-ms", "60000", "--budget-secs", "60"];
    let output = shell.run(&[&sides[..], &limit[..]].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("A meets the limit: its p80 is at most ") && told.contains("B meets the limit"), "{told}");
    let short = ["--percentile", "p99", "--limit-ms", "60000", "--budget-secs", "0.1", "--json"];
    let told = shell.json(&[&sides[..], &short[..]].concat());
    assert_eq!(told["tails"]["a"]["verdict"], "unknown");
    assert!(told["tails"]["a"]["needed_samples"].as_u64().unwrap() >= 1236, "{}", told["tails"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_leaves_no_worker_and_no_result() {
    let shell = Shell::new();
    let arguments =
        ["compare", "--a", "model=bert-tiny engine=candle", "--b", "engine=candle batch=64", "--store", "c.duckdb"];
    let mut child = shell.command(&arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let worker = wait_for_worker(child.id());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!Path::new(&format!("/proc/{worker}")).exists() || cfg!(not(target_os = "linux")));
    let kept = shell.json(&["query", "--store", "c.duckdb", "SELECT count(*) AS n FROM runs", "--json"]);
    assert_eq!(kept[0]["n"], 0);
}
