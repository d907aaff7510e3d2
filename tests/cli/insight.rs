//! Forecasts, recommendations and the watch.

use crate::shell::Shell;
use serde_json::Value;
use std::fs;

/// Times of thirty models on four chips, as a cost each over a speed each; every seventh pair is left out.
fn chips() -> (String, String) {
    let header = "model,hardware,precision,batch,macs,latency_ms\n";
    let (mut known, mut ask) = (header.to_owned(), header.to_owned());
    for model in 0..30 {
        for chip in 0..4 {
            let time = (1.0 + f64::from(model)) / (1.0 + f64::from(chip))
                * (1.0 + 0.01 * f64::from((model * 7 + chip * 3) % 5));
            if (model * 4 + chip) % 7 == 3 {
                ask += &format!("net{model},chip {chip},fp32,1,,\n");
            } else {
                known += &format!("net{model},chip {chip},fp32,1,,{time}\n");
            }
        }
    }
    (known, ask)
}

#[test]
fn questions_are_answered_in_order_and_what_cannot_be_used_is_counted() {
    let shell = Shell::new();
    let (known, ask) = chips();
    fs::write(shell.path("known.csv"), known + "net1,chip 0,fp32,1,,0\nnet1,chip 0,fp32,1,,NaN\n").unwrap();
    fs::write(shell.path("ask.csv"), ask.clone() + "net1,chip 0,fp32,many,,\nelse,nowhere,fp32,1,,\n").unwrap();
    let output = shell.run(&["forecast", "--known", "known.csv", "--ask", "ask.csv", "--out", "out.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("known.csv: 2 of 105 rows refused") && said.contains("line 105, column latency_ms: zero"),
        "{said}"
    );
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("the hardware changes the time per sample 1."), "{told}");
    let out = fs::read_to_string(shell.path("out.csv")).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "latency_ms,low_ms,high_ms,peak_memory_mb,support,note");
    assert_eq!(lines.len(), ask.lines().count() + 2);
    let first: Vec<&str> = lines[1].split(',').collect();
    let time: f64 = first[0].parse().unwrap();
    // net0 on chip 3 takes a quarter of 1.04 ms.
    assert!((time / 0.26 - 1.0).abs() < 0.25 && first[4] == "combination", "{}", lines[1]);
    assert!(lines[lines.len() - 2].starts_with(",,,,unreadable,"), "{}", lines[lines.len() - 2]);
    assert!(lines[lines.len() - 1].starts_with(",,,,nothing,"), "{}", lines[lines.len() - 1]);
    let (code, told) = shell.fails(&["forecast", "--known", "ask.csv", "--ask", "torn.csv", "--out", "out.csv"]);
    assert!(code == 1 && told.contains("torn.csv"), "{code} {told}");
}

#[test]
fn predictions_are_held_against_what_is_measured_later() {
    let shell = Shell::new();
    let (known, ask) = chips();
    // A result needs an engine and a mode, and a time to come after the prediction.
    let whole = |table: &str, measured_at: &str| {
        let mut lines = table.lines().map(|line| format!("{line},onnxruntime,inference,{measured_at}\n"));
        let header =
            lines.next().unwrap().replace(&format!("onnxruntime,inference,{measured_at}"), "runtime,mode,measured_at");
        header + &lines.collect::<String>()
    };
    let measured = ask.replace(",1,,\n", ",1,,1000\n").replacen("chip 3,fp32,1,,1000", "chip 3,fp32,1,,0.26", 1);
    fs::write(shell.path("known.csv"), whole(&known, "")).unwrap();
    fs::write(shell.path("ask.csv"), whole(&ask, "")).unwrap();
    fs::write(shell.path("measured.csv"), whole(&measured, "2100-01-01T00:00:00Z")).unwrap();
    let forecast = || {
        let files = ["--known", "known.csv", "--ask", "ask.csv", "--out", "out.csv", "--store", "s.duckdb"];
        String::from_utf8(shell.run(&[&["forecast"], &files[..]].concat()).stdout).unwrap()
    };
    let asked = ask.lines().count() - 1;
    let told = forecast();
    assert!(told.contains(&format!("None of {asked} predictions was measured yet")), "{told}");
    shell.json(&["import", "measured.csv", "--store", "s.duckdb", "--json"]);
    let told = forecast();
    // One result is as predicted, the others take a second.
    let share = (100.0 / asked as f64).round();
    assert!(told.contains(&format!("Of {asked} predictions since 20")), "{told}");
    assert!(told.contains(&format!(", {share} % fell inside their 90 % interval")), "{told}");
}

#[test]
fn a_recommendation_says_what_is_measured_and_what_is_predicted() {
    let shell = Shell::new();
    fs::write(shell.path("known.csv"), chips().0).unwrap();
    let found = shell.json(&["recommend", "--known", "known.csv", "--model", "net7", "--json"]);
    assert_eq!(found["choice"]["setting"]["hardware"], "chip 3");
    let others = found["alternatives"].as_array().unwrap();
    let evidence: Vec<&str> = others.iter().chain([&found["choice"]]).filter_map(|c| c["evidence"].as_str()).collect();
    assert_eq!(evidence.len(), 4);
    assert!(evidence.contains(&"measured") && evidence.contains(&"predicted"), "{evidence:?}");
    let limited =
        shell.json(&["recommend", "--known", "known.csv", "--model", "net7", "--max-latency-ms", "0.1", "--json"]);
    assert!(limited["choice"].is_null() && limited["rejected"].as_array().unwrap().len() == 4);
    let (code, said) = shell.fails(&["recommend", "--known", "known.csv", "--model", "net"]);
    assert!(code == 1 && said.contains("did you mean"), "{code} {said}");
}

/// Two series that get 10 % slower with a new driver, and one that does not.
fn series() -> String {
    let mut text = String::from("series,at,value,driver\n");
    for i in 0..24 {
        let wobble = 1.0 + f64::from(i * i % 6) / 1000.0;
        let (driver, slower) = if i < 12 { ("535", 1.0) } else { ("550", 1.1) };
        text += &format!("a,{i},{},{driver}\nb,{i},{},{driver}\n", 10.0 * wobble * slower, 20.0 * wobble * slower);
        text += &format!("c,{i},{},\n", 30.0 * wobble);
    }
    text
}

#[test]
fn watch_exits_with_3_on_a_regression_and_names_its_cause() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), series()).unwrap();
    let output = shell.run(&["watch", "--series", "series.csv", "--summary", "summary.md", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["regressions"].as_array().unwrap().len(), 2);
    assert_eq!(report["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(report["alerts"][0]["causes"][0]["after"], "550");
    assert_eq!(report["series"][0]["changes"][0]["index"], 12);
    let summary = fs::read_to_string(shell.path("summary.md")).unwrap();
    assert!(summary.contains("since driver went from 535 to 550"), "{summary}");
}

#[test]
fn watch_is_content_where_the_change_is_small_old_or_good() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), series()).unwrap();
    for more in [["--threshold", "20"], ["--since", "13"], ["--better", "higher"]] {
        let report = shell.json(&[&["watch", "--series", "series.csv", "--json"][..], &more[..]].concat());
        assert_eq!(report["regressions"].as_array().unwrap().len(), 0, "{more:?}");
        assert_eq!(report["alerts"].as_array().unwrap().len(), 1, "{more:?}");
    }
}

#[test]
fn watch_names_the_row_and_column_of_a_malformed_table() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), "series,at,value\na,1,2\na,2,3 ms\n").unwrap();
    let (code, said) = shell.fails(&["watch", "--series", "series.csv", "--json"]);
    assert_eq!(code, 1);
    assert!(said.contains("series.csv: line 3, column value: `3 ms` is not a number"), "{said}");
}
