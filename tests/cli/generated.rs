//! Generated files, run with the Python that is there.

use crate::shell::Shell;
use serde_json::{Value, json};
use std::{fs, path::Path, process::Output};

/// A folder of templates with one benchmark, and what running it told.
fn ran(shell: &Shell, body: &str, more: &[&str]) -> Output {
    fs::create_dir_all(shell.path("own")).unwrap();
    let text = format!("---\nkind = \"benchmark\"\nmodel_type = \"bert\"\n---\n{body}");
    fs::write(shell.path("own/bert.py"), text).unwrap();
    // A new folder for each, as files are never written over.
    let out = format!("files-{}", fs::read_dir(shell.folder.path()).unwrap().count());
    let what = ["--models", "bert", "--platforms", "cpu", "--kinds", "benchmark", "--out", &out];
    let how = ["--templates", "own", "--run", "--python", "python3", "--store", "s.duckdb", "--json"];
    shell.command(&[&["generate"], &what[..], &how[..], more].concat()).env("A_SECRET", "word").output().unwrap()
}

fn trial(output: &Output) -> Value {
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    told["trials"][0].clone()
}

#[test]
fn a_generated_file_runs_in_a_clean_place_and_what_it_told_is_kept() {
    let shell = Shell::new();
    let body = "
import json, os, socket
from pathlib import Path

try:
    socket.create_connection((\"127.0.0.1\", 9), 1)
    network = \"there\"
except PermissionError:
    network = \"refused\"
except OSError:
    network = \"there, with nobody at the other end\"
told = {\"network\": network, \"secret\": os.environ.get(\"A_SECRET\"), \"home\": str(Path.home())}
print(json.dumps(told))
";
    let output = ran(&shell, body, &[]);
    let trial = trial(&output);
    assert!(output.status.success(), "{trial:#}");
    assert_eq!((&trial["outcome"]["outcome"], &trial["result"]["secret"]), (&json!("passed"), &Value::Null));
    if cfg!(target_os = "linux") {
        assert_eq!(trial["result"]["network"], "refused");
    }
    let home = trial["result"]["home"].as_str().unwrap();
    assert!(home.contains("trials") && !Path::new(home).exists(), "{home} should be a folder that is gone");
    let rows = shell.json(&[
        "query",
        "SELECT t.outcome, t.text_hash = c.text_hash AS current, c.problem, t.environment->>'python' AS python
         FROM trials t JOIN file_checks c USING (model_type, platform, kind)",
        "--store",
        "s.duckdb",
        "--json",
    ]);
    assert_eq!(
        (&rows[0]["outcome"], &rows[0]["current"], &rows[0]["problem"]),
        (&json!("passed"), &json!(true), &Value::Null)
    );
    assert!(rows[0]["python"].as_str().unwrap().starts_with("3."), "{rows}");
}

#[test]
fn a_generated_file_that_fails_crashes_or_never_ends_is_a_failure_in_its_own_words() {
    let shell = Shell::new();
    let reason = |body: &str, more: &[&str]| {
        let output = ran(&shell, body, more);
        assert!(!output.status.success());
        let trial = trial(&output);
        assert_eq!(trial["outcome"]["outcome"], "failed", "{trial:#}");
        trial["outcome"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("raise ValueError('as it is')\n", &[]), "ValueError: as it is");
    let abort = reason("import os\nos.abort()\n", &[]);
    assert!(if cfg!(unix) { abort.contains("SIGABRT") } else { abort.starts_with("Python ") }, "{abort}");
    let endless = reason("import time\ntime.sleep(600)\n", &["--timeout-secs", "3"]);
    assert!(endless.contains("ended after 3 s"), "{endless}");
    if cfg!(target_os = "linux") {
        let greedy = reason("x = bytearray(8_000_000_000)\n", &["--memory-mb", "500"]);
        assert!(greedy.contains("MemoryError"), "{greedy}");
    }
}

/// Prints what a benchmark prints, with real times.
const BENCHMARK: &str = include_str!("../common/benchmark.py");

#[test]
fn what_a_benchmark_prints_is_a_measured_result_here_and_an_imported_one_elsewhere() {
    let shell = Shell::new();
    let told: Value = serde_json::from_slice(&ran(&shell, BENCHMARK, &[]).stdout).unwrap();
    let (trial, run) = (&told["trials"][0], &told["results"][0]);
    assert_eq!((&run["evidence"], &run["setting"]["engine"]), (&json!("measured"), &json!("pytorch")), "{trial:#}");
    assert_eq!((&run["timing"]["samples"], &run["check"]["verdict"]), (&json!(1_000), &json!("agrees")));
    assert_eq!(run["samples_ms"], trial["result"]["samples_ms"]);
    let sql = "SELECT m.name, e.id AS engine, d.id AS device, s.name AS source, r.evidence, r.batch, r.size,
                   r.effective_precision AS precision, r.engine_version AS version, r.withheld, r.first_result_ms,
                   x.effective_threads AS threads
               FROM runs r JOIN trials t ON t.id = r.id::VARCHAR JOIN subjects j ON j.key = r.subject
               JOIN models m ON m.key = j.model JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
               JOIN sources s ON s.key = r.source JOIN details x ON x.run = r.key";
    let kept = json!([{
        "name": "bert with 106\u{202f}498 parameters (generated)", "engine": "pytorch", "device": "cpu",
        "source": "generated benchmark, template bert.py", "evidence": "measured", "batch": 2, "size": 16,
        "precision": "f32", "version": "2.15.0", "withheld": null, "first_result_ms": null, "threads": 2,
    }]);
    assert_eq!(shell.json(&["query", "--store", "s.duckdb", sql, "--json"]), kept);

    let other = trial["result"].to_string().replace("\"agrees\":true", "\"agrees\":false");
    fs::write(shell.path("printed.json"), format!("{}\n{other}\n7\n", trial["result"])).unwrap();
    let import = |store: &str| shell.json(&["import", "printed.json", "--store", store, "--json"]);
    let report = import("elsewhere.duckdb");
    let counts =
        |report: &Value| ["rows", "taken", "duplicates", "refused"].map(|count| report[count].as_u64().unwrap());
    assert_eq!(counts(&report), [3, 1, 0, 2], "{report:#}");
    let refused =
        |nth: usize| (report["refusals"][nth]["line"].as_u64().unwrap(), report["refusals"][nth]["cause"].to_string());
    assert!(refused(0).0 == 2 && refused(0).1.contains("has no time"), "{report:#}");
    assert!(refused(1).0 == 3 && refused(1).1.contains("not what a generated benchmark prints"), "{report:#}");
    let sql = "SELECT r.evidence, s.name AS source, d.id AS device FROM runs r JOIN sources s ON s.key = r.source
               JOIN subjects j ON j.key = r.subject JOIN devices d ON d.key = j.device";
    let rows = shell.json(&["query", "--store", "elsewhere.duckdb", sql, "--json"]);
    assert_eq!(rows, json!([{"evidence": "imported", "source": "printed.json", "device": "imported:A processor"}]));
    assert_eq!(counts(&import("elsewhere.duckdb")), [3, 0, 1, 2]);
    let listed = ["import", "printed.json", "--store", "elsewhere.duckdb", "--report", "rows.csv", "--json"];
    assert_eq!(counts(&shell.json(&listed)), [3, 0, 1, 2]);
    let rows = fs::read_to_string(shell.path("rows.csv")).unwrap();
    let begins: Vec<&str> = rows.lines().map(|row| &row[..row.len().min(11)]).collect();
    assert_eq!(begins, ["line,outcom", "1,duplicate", "2,refused,,", "3,refused,,"], "{rows}");
    assert_eq!(counts(&import("s.duckdb")), [3, 0, 1, 2], "it was measured here");
    fs::write(shell.path("torn.json"), "{\"kind\": \"assay-benchmark\",").unwrap();
    assert_eq!(counts(&shell.json(&["import", "torn.json", "--store", "t.duckdb", "--json"])), [1, 0, 0, 1]);
    assert!(shell.fails(&["import", "no.json", "--store", "t.duckdb"]).1.contains("no.json"));
}

#[test]
fn what_a_benchmark_must_not_claim_is_no_result() {
    let shell = Shell::new();
    let refused = |from: &str, to: &str| {
        assert!(BENCHMARK.contains(from), "{from}");
        let told: Value = serde_json::from_slice(&ran(&shell, &BENCHMARK.replace(from, to), &[]).stdout).unwrap();
        assert_eq!(told["results"], json!([]), "{to}");
        told["trials"][0]["log"].to_string()
    };
    assert!(refused("\"model_type\": \"bert\"", "\"model_type\": \"llama\"").contains("it speaks of llama"));
    assert!(refused("\"places\": [\"cpu\"]", "\"places\": [\"meta\"]").contains("it ran on meta, not on CPU"));
    assert!(refused("\"tolerance\": 1e-3", "\"tolerance\": 10").contains("is wider than"));
    assert!(refused("range(1_000)", "range(3)").contains("it has 3 samples"));
    assert!(refused("[timed() for _ in range(1_000)]", "[0.0] * 40").contains("one of its samples is 0 ms"));
    assert!(refused("\"batch\": 2", "\"batch\": \"many\"").contains("cannot read it"));
    let rows = shell.json(&["query", "--store", "s.duckdb", "SELECT count(*) AS n FROM runs", "--json"]);
    assert_eq!(rows[0]["n"], 0);

    // A wrong output is a result, and has no time.
    let wrong = BENCHMARK.replace("\"largest_difference\": 1e-7", "\"largest_difference\": 0.5");
    let told: Value = serde_json::from_slice(&ran(&shell, &wrong, &[]).stdout).unwrap();
    let run = &told["results"][0];
    assert_eq!((&run["outcome"]["kind"], &run["timing"]), (&json!("wrong_output"), &Value::Null), "{run:#}");
}

#[test]
fn python_that_is_not_there_is_named_with_what_to_do() {
    let shell = Shell::new();
    let said = String::from_utf8(shell.run(&["python", "show"]).stdout).unwrap();
    assert!(said.contains("There is none in") && said.contains("assay python make"), "{said}");
    let generate = ["generate", "--models", "bert", "--platforms", "cpu", "--kinds", "test", "--run"];
    let (code, said) = shell.fails(&[&generate[..], &["--out", "a"]].concat());
    assert!(code == 1 && said.contains("The Python environment is not available: it was not made yet"), "{said}");
    let (_, said) = shell.fails(&[&generate[..], &["--out", "b", "--python", "/no/such/python"]].concat());
    assert!(said.contains("there is no such program"), "{said}");
}
