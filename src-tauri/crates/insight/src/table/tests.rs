use super::*;

fn header(columns: &str, times: Times) -> Header {
    Header::new(&columns.split(',').collect::<Vec<_>>(), times).unwrap()
}

#[test]
fn times_that_cannot_be_are_refused_with_their_place() {
    let header = header("model,hardware,latency_ms", Times::Known);
    let said = |time: &str| header.row(7, &["a", "h", time]).map(|row| row.latency_ms).map_err(|e| e.to_string());
    assert_eq!(said("1.5"), Ok(Some(1.5)));
    for (time, cause) in [
        ("0", "line 7, column latency_ms: zero (`0`)"),
        ("-2", "line 7, column latency_ms: negative (`-2`)"),
        ("inf", "line 7, column latency_ms: not a finite number (`inf`)"),
        ("NaN", "line 7, column latency_ms: not a finite number (`NaN`)"),
        ("fast", "line 7, column latency_ms: not a number (`fast`)"),
        ("", "line 7, column latency_ms: there is no time"),
    ] {
        assert_eq!(said(time), Err(cause.to_owned()));
    }
}

#[test]
fn blanks_and_missing_columns_are_no_fault() {
    let row =
        header("hardware,latency_ms,model,macs,batch,notes", Times::Known).row(2, &["", "2", "", "", "", "x"]).unwrap();
    assert_eq!((row.latency_ms, row.batch, row.macs, row.model.as_str()), (Some(2.0), None, None, ""));
}

#[test]
fn a_header_that_says_nothing_is_told() {
    let said = |cells: &[&str]| Header::new(cells, Times::Known).unwrap_err().to_string();
    assert!(said(&[""]).contains("line 1 is empty"));
    assert!(said(&["model", "latency_ms"]).contains("no column `hardware`"));
    assert!(said(&["model", "hardware", "latency_ms", "model"]).contains("`model` twice"));
}

#[test]
fn a_row_of_another_width_is_refused() {
    let refused = header("model,hardware", Times::Asked).row(3, &["a", "h", "x"]).unwrap_err();
    assert_eq!(refused.to_string(), "line 3: another number of cells than the header has (`3 instead of 2`)");
}

#[test]
fn a_question_needs_no_time() {
    let header = header("model,hardware,batch,latency_ms", Times::Asked);
    assert_eq!(header.row(2, &["a", "h", "4", "nonsense"]).unwrap().batch, Some(4.0));
    let refused = header.row(3, &["a", "h", "four", ""]).unwrap_err();
    assert_eq!(refused.to_string(), "line 3, column batch: not a number (`four`)");
}
