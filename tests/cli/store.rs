//! The store: imported, exported, asked.

use crate::shell::Shell;
use std::fs;

const TABLE: &str = "model,family,hardware,runtime,precision,mode,batch,size,devices,threads,software,measured_at,parameters,macs,activations,latency_ms,peak_memory_mb
resnet50,resnet,Xeon Gold 6248,tflite,f32,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,12.5,180
resnet50,resnet,Xeon Gold 6248,tflite,f32,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,12.5,180
resnet50,resnet,Xeon Gold 6248,tflite,int8,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,-3,180
";

#[test]
fn taken_duplicates_and_refused_add_up_to_the_rows_and_come_back_out() {
    let shell = Shell::new();
    fs::write(shell.path("table.csv"), TABLE).unwrap();
    let report = shell.json(&["import", "table.csv", "--store", "s.duckdb", "--json"]);
    assert_eq!(
        (&report["rows"], &report["taken"], &report["duplicates"], &report["refused"]),
        (&3.into(), &1.into(), &1.into(), &1.into())
    );
    assert_eq!(report["refusals"][0]["line"], 4);
    let again = ["import", "table.csv", "--store", "s.duckdb", "--report", "rows.csv"];
    let told = String::from_utf8(shell.run(&again).stdout).unwrap();
    assert!(told.contains("0 taken, 2 duplicates, 1 refused") && told.contains("rows.csv"), "{told}");
    let rows = fs::read_to_string(shell.path("rows.csv")).unwrap();
    let expected = "line,outcome,column,cause\n\
                    2,duplicate,,the store has this measurement already\n\
                    3,duplicate,,a row further up in this table says the same\n\
                    4,refused,latency_ms,is negative: -3\n";
    assert_eq!(rows, expected);
    fs::create_dir(shell.path("folder")).unwrap();
    for same in ["table.csv", "folder/../table.csv"] {
        let (code, said) = shell.fails(&["import", "table.csv", "--store", "s.duckdb", "--report", same]);
        assert!(code == 1 && said.contains("table.csv is the file that is imported"), "{said}");
    }
    assert_eq!(fs::read_to_string(shell.path("table.csv")).unwrap(), TABLE);
    for out in ["out.csv", "out.parquet"] {
        assert_eq!(shell.json(&["export", "--store", "s.duckdb", "--out", out, "--json"])["rows"], 1);
        let back = shell.json(&["import", out, "--store", "t.duckdb", "--json"]);
        assert_eq!(back["refused"], 0, "{back}");
    }
    assert_eq!(shell.json(&["query", "--store", "t.duckdb", "SELECT count(*) AS n FROM runs", "--json"])[0]["n"], 1);
}

#[test]
fn a_hostile_query_reads_no_file_and_changes_nothing() {
    let shell = Shell::new();
    fs::write(shell.path("table.csv"), TABLE).unwrap();
    fs::write(shell.path("secret.txt"), "secret").unwrap();
    shell.json(&["import", "table.csv", "--store", "s.duckdb", "--json"]);
    let before = fs::read(shell.path("s.duckdb")).unwrap();
    for sql in [
        "SELECT * FROM read_text('secret.txt')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 'table.csv'",
        "COPY (SELECT 1) TO 'leak.csv'",
        "ATTACH 'other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list; DROP TABLE runs",
        "DELETE FROM runs",
        "UPDATE runs SET note = 'x'",
        "CREATE TABLE t (x INTEGER)",
        "SELECT 1; DELETE FROM runs",
        "EXPORT DATABASE 'leak'",
        "not sql",
        "",
    ] {
        let (code, said) = shell.fails(&["query", "--store", "s.duckdb", sql, "--json"]);
        assert!(code == 1 && said.starts_with("assay: "), "{sql}: {code} {said}");
        assert!(!said.contains("root:"), "{sql}: {said}");
    }
    assert_eq!(fs::read(shell.path("s.duckdb")).unwrap(), before);
    for leak in ["leak.csv", "other.duckdb", "leak"] {
        assert!(!shell.path(leak).exists(), "{leak}");
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_reading() {
    let shell = Shell::new();
    let (code, said) = shell.fails(&["query", "--store", "none.duckdb", "SELECT 1"]);
    assert!(code == 1 && said.contains("none.duckdb"), "{said}");
    assert_eq!(shell.fails(&["export", "--store", "none.duckdb", "--out", "x.csv"]).0, 1);
    assert!(!shell.path("none.duckdb").exists());
}
