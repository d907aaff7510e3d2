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
fn a_row_with_further_sizes_is_refused_and_one_that_ran_otherwise_has_a_precision_of_its_own() {
    let header = header("model,hardware,precision,asked_precision,all_experts,dims,latency_ms", Times::Known);
    let row = |precision: &str, asked: &str, experts: &str, dims: &str| {
        header.row(2, &["a", "h", precision, asked, experts, dims, "1"])
    };
    let precision = |ran: &str, asked: &str, experts: &str| row(ran, asked, experts, "").unwrap().precision;
    for same in ["", "f32", "float32"] {
        assert_eq!(precision("fp32", same, "false"), "fp32", "where {same:?} was asked for");
    }
    assert_eq!(precision("fp32", "half", ""), "f16, ran in f32", "in the words of a store");
    let experts = [precision("f32", "f16", "TRUE"), precision("w8a16", "", "true"), precision("", "", "true")];
    let all = "all experts computed";
    assert_eq!(experts, [format!("f16, ran in f32, {all}"), format!("w8a16, {all}"), all.to_owned()]);
    assert!(row("f32", "", "", "padding=0").is_ok(), "no padding is none");
    for dims in ["frames=8", "padding=25", "many"] {
        let refused = row("f32", "", "", dims).unwrap_err().to_string();
        assert!(refused.starts_with("line 2, column dims: ") && refused.contains("the model's name"), "{refused}");
    }
}

#[test]
fn a_question_needs_no_time() {
    let header = header("model,hardware,batch,latency_ms", Times::Asked);
    assert_eq!(header.row(2, &["a", "h", "4", "nonsense"]).unwrap().batch, Some(4.0));
    let refused = header.row(3, &["a", "h", "four", ""]).unwrap_err();
    assert_eq!(refused.to_string(), "line 3, column batch: not a number (`four`)");
}
