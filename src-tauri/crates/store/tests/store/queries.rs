//! The person's own statements read the tables and can do nothing else.

use crate::making::{fresh, run};
use contract::Platform;
use serde_json::{Value, json};
use std::fs;
use store::Store;

fn filled() -> (tempfile::TempDir, Store) {
    let (folder, store) = fresh();
    for number in 1..=3 {
        store.insert_run(&run(number, "bert", Platform::Cpu, number as f64)).unwrap();
    }
    (folder, store)
}

fn ask(store: &Store, sql: &str) -> Value {
    store.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn reading_statements_are_answered() {
    let (_folder, store) = filled();
    let select = "SELECT median_ms, batch, precision FROM runs ORDER BY median_ms DESC";
    let rows = json!([
        {"median_ms": 3.0, "batch": 1, "precision": "f32"},
        {"median_ms": 2.0, "batch": 1, "precision": "f32"},
        {"median_ms": 1.0, "batch": 1, "precision": "f32"},
    ]);
    assert_eq!(ask(&store, select), rows, "in the order asked for");
    assert_eq!(ask(&store, &format!("{select}; -- the slowest first\n")), rows);
    assert_eq!(ask(&store, "WITH a AS (SELECT 1 AS x) SELECT x + 1 AS y FROM a"), json!([{"y": 2}]));
    assert_eq!(ask(&store, "FROM range(2) t(i)"), json!([{"i": 0}, {"i": 1}]));
    assert_eq!(ask(&store, "VALUES (1)").as_array().unwrap().len(), 1);
    assert!(ask(&store, "DESCRIBE runs").as_array().unwrap().len() > 30);
    assert!(ask(&store, "SHOW TABLES").as_array().unwrap().len() > 10);
    assert!(!ask(&store, "SUMMARIZE runs").as_array().unwrap().is_empty());
    assert!(!ask(&store, "EXPLAIN SELECT count(*) FROM runs").as_array().unwrap().is_empty());
    assert!(!ask(&store, "explain analyze select count(*) from runs").as_array().unwrap().is_empty());
}

#[test]
fn values_without_a_word_in_json_become_null_or_text() {
    let (_folder, store) = filled();
    let sql = "SELECT 'nan'::DOUBLE AS nan, 'inf'::DOUBLE AS inf, 9007199254740993 AS big, 1.5::DECIMAL(4,2) AS part,
        TIMESTAMP '2026-11-21 05:30:00' AS at, DATE '2026-11-21' AS day, TIME '05:30:00' AS hour, [1, 2] AS list,
        {'a': 1, 'b': NULL} AS struct, MAP {'k': 2} AS map, 'ab'::BLOB AS blob, true AS yes, NULL AS none";
    let expected = json!([{
        "nan": null, "inf": null, "big": "9007199254740993", "part": 1.5, "at": "2026-11-21T05:30:00Z",
        "day": "2026-11-21", "hour": "05:30:00", "list": [1, 2], "struct": {"a": 1, "b": null}, "map": {"k": 2},
        "blob": "6162", "yes": true, "none": null,
    }]);
    assert_eq!(ask(&store, sql), expected);
}

#[test]
fn hostile_statements_reach_nothing() {
    let (folder, store) = filled();
    let secret = folder.path().join("secret.csv");
    fs::write(&secret, "word\nhidden\n").unwrap();
    let secret = secret.display().to_string();
    let target = folder.path().join("made").display().to_string();
    let statements = [
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM \"{secret}\""),
        format!("SELECT * FROM read_text('{secret}')"),
        format!("SELECT * FROM read_blob('{secret}')"),
        format!("SELECT (SELECT content FROM read_text('{secret}')) AS x"),
        format!("WITH x AS MATERIALIZED (FROM read_json('{secret}')) FROM x"),
        format!("SELECT * FROM sniff_csv('{secret}')"),
        format!("SELECT * FROM query('FROM read_text(''{secret}'')')"),
        format!("SELECT * FROM query_table('{secret}')"),
        format!("SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))"),
        format!("EXPLAIN ANALYZE COPY runs TO '{target}'"),
        format!("COPY runs TO '{target}'"),
        format!("COPY (SELECT 1) TO '{target}' (FORMAT parquet)"),
        format!("EXPORT DATABASE '{target}'"),
        format!("ATTACH '{target}' AS other"),
        format!("CALL enable_logging(storage = 'file', storage_config = {{'path': '{target}'}})"),
        format!("FROM enable_logging(storage = 'file', storage_config = {{'path': '{target}'}})"),
        "FROM enable_logging('QueryLog')".into(),
        "FROM enable_profiling()".into(),
        "FROM disable_logging()".into(),
        "SELECT write_log('x')".into(),
        "FROM checkpoint()".into(),
        "SELECT * FROM glob('/etc/*')".into(),
        "SELECT getenv('HOME')".into(),
        "FROM duckdb_secrets()".into(),
        "FROM duckdb_settings()".into(),
        "INSTALL httpfs".into(),
        "LOAD httpfs".into(),
        "LOAD '/tmp/evil.duckdb_extension'".into(),
        "PRAGMA database_list".into(),
        "SET threads = 1".into(),
        "SET enable_external_access = true".into(),
        "RESET lock_configuration".into(),
        "BEGIN".into(),
        "COMMIT".into(),
        "ROLLBACK".into(),
        "DELETE FROM runs".into(),
        "UPDATE runs SET note = 'x'".into(),
        "INSERT INTO engines VALUES (99, 'x')".into(),
        "DROP TABLE samples".into(),
        "CREATE TABLE t (a INTEGER)".into(),
        "CREATE TEMP TABLE t (a INTEGER)".into(),
        "CREATE MACRO f() AS 1".into(),
        "WITH x AS (DELETE FROM runs RETURNING *) SELECT * FROM x".into(),
        "EXPLAIN ANALYZE DELETE FROM samples".into(),
        "EXPLAIN EXPLAIN ANALYZE DELETE FROM samples".into(),
        "SELECT 1; DELETE FROM samples".into(),
        "DELETE FROM samples; SELECT 1".into(),
        "SELECT 1) LIMIT 1; DELETE FROM samples; SELECT * FROM (SELECT 1".into(),
        "SELECT * FROM runs LIMIT 1 --\n; DELETE FROM samples".into(),
        "PREPARE p AS DELETE FROM samples".into(),
        "EXECUTE p".into(),
        "VACUUM".into(),
        "USE memory".into(),
        "".into(),
        ";;".into(),
        "-- nothing".into(),
        "SELECT \0 1".into(),
        "nonsense".into(),
    ];
    for sql in statements {
        let answer = store.query(&sql);
        let error = answer.err().unwrap_or_else(|| panic!("answered: {sql}"));
        assert!(!error.to_string().contains("hidden"), "{sql}: {error}");
    }
    assert!(!folder.path().join("made").exists(), "a statement wrote a file");
    assert_eq!(store.count().unwrap(), 3);
    assert_eq!(ask(&store, "SELECT count(*) AS n FROM samples"), json!([{"n": 3}]));
    store.insert_run(&run(9, "bert", Platform::Cpu, 1.0)).unwrap();
}

#[test]
fn an_endless_statement_is_stopped_and_the_store_goes_on() {
    let (_folder, store) = filled();
    let rows = store.query("SELECT * FROM range(10000000)").unwrap_err();
    assert!(rows.to_string().contains("more than 100000 rows"), "{rows}");
    let size = store.query("SELECT repeat('x', 1000000) AS x FROM range(100)").unwrap_err();
    assert!(size.to_string().contains("larger than 64 MB"), "{size}");
    let memory = store.query("SELECT length(repeat('x', 100000000000)) AS x");
    assert!(memory.is_err());
    assert_eq!(store.count().unwrap(), 3);
}

#[test]
fn an_error_says_what_is_wrong() {
    let (_folder, store) = filled();
    let error = store.query("SELECT nothing FROM runs").unwrap_err().to_string();
    assert!(error.contains("nothing"), "{error}");
    assert!(store.query("DELETE FROM runs").unwrap_err().to_string().contains("statements that read"));
    assert!(store.query("SELECT 1; SELECT 2").unwrap_err().to_string().contains("2 statements"));
}
