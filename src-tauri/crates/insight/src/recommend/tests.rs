use super::*;

fn row(model: &str, hardware: &str, latency_ms: f64, peak_memory_mb: f64) -> Measurement {
    Measurement {
        model: model.into(),
        hardware: hardware.into(),
        mode: "inference".into(),
        batch: Some(1.0),
        latency_ms: Some(latency_ms),
        peak_memory_mb: Some(peak_memory_mb),
        ..Measurement::default()
    }
}

fn survey(rows: &[Measurement], work: &Work) -> Result<Survey, RecommendError> {
    Survey::of(&rows.iter().collect::<Vec<_>>(), work)
}

fn ask(rows: &[Measurement], model: &str, limits: Limits) -> Recommendation {
    survey(rows, &work(model)).unwrap().choose(&limits, &|_| None)
}

fn work(model: &str) -> Work {
    Work { model: model.into(), ..Work::default() }
}

#[test]
fn the_fastest_measured_setting_is_chosen_and_the_others_say_why_not() {
    let rows = [row("a", "slow", 9.0, 50.0), row("a", "fast", 3.0, 80.0), row("a", "middle", 6.0, 90.0)];
    let found = ask(&rows, "a", Limits::default());
    let choice = found.choice.unwrap();
    assert_eq!((choice.setting.hardware.as_str(), choice.evidence), ("fast", Evidence::Measured));
    assert!(choice.probability_best > 0.99 && choice.expected_regret < 0.01, "{choice:?}");
    let others: Vec<(&str, bool, &str)> =
        found.alternatives.iter().map(|c| (c.setting.hardware.as_str(), c.on_front, c.why.as_str())).collect();
    assert_eq!(
        others,
        [
            ("middle", false, "2.00 times the choice's time; 0 % likely to be the fastest"),
            ("slow", true, "3.00 times the choice's time; 0 % likely to be the fastest"),
        ]
    );
    assert!(found.next_run.is_none(), "everything is measured: {:?}", found.next_run);
}

#[test]
fn limits_reject_with_the_figure_that_breaks_them() {
    let rows = [row("a", "fast", 3.0, 80.0), row("a", "small", 6.0, 20.0), row("a", "slow", 60.0, 10.0)];
    let limits = Limits { max_latency_ms: Some(10.0), max_memory_mb: Some(50.0), ..Limits::default() };
    let found = ask(&rows, "a", limits);
    assert_eq!(found.choice.unwrap().setting.hardware, "small");
    let why: Vec<(&str, &str)> =
        found.rejected.iter().map(|no| (no.setting.hardware.as_str(), no.why.as_str())).collect();
    assert_eq!(
        why,
        [
            ("fast", "measured to need 80.0 MB, more than the 50.0 MB allowed"),
            ("slow", "measured at 60.0 ms, more than the 10.0 ms allowed"),
        ]
    );
    let none = ask(&rows, "a", Limits { max_latency_ms: Some(1.0), ..Limits::default() });
    assert!(none.choice.is_none() && none.rejected.len() == 3);
}

#[test]
fn a_setting_that_was_not_measured_is_predicted_and_may_be_the_next_run() {
    let mut rows = Vec::new();
    for model in 0..40 {
        let cost = 1.0 + f64::from(model);
        rows.push(row(&format!("m{model}"), "one", 2.0 * cost, 10.0));
        rows.push(row(&format!("m{model}"), "two", 1.9 * cost * (1.0 + 0.05 * f64::from(model % 5)), 10.0));
        if model != 7 {
            rows.push(row(&format!("m{model}"), "three", 1.8 * cost * (1.0 + 0.05 * f64::from(model % 3)), 10.0));
        }
    }
    let found = ask(&rows, "m7", Limits::default());
    let all: Vec<&Candidate> = found.choice.iter().chain(&found.alternatives).collect();
    let predicted: Vec<&&Candidate> = all.iter().filter(|c| c.evidence == Evidence::Predicted).collect();
    assert_eq!(predicted.len(), 1);
    assert_eq!((predicted[0].setting.hardware.as_str(), predicted[0].support), ("three", Some(Support::Combination)));
    assert!(predicted[0].latency_ms.low < predicted[0].latency_ms.high && !predicted[0].note.is_empty());
    let chances: f64 = all.iter().map(|c| c.probability_best).sum();
    assert!((chances - 1.0).abs() < 1e-9, "chances sum to {chances}");
    let run = found.next_run.unwrap();
    assert!(run.setting.hardware == "three" && run.seconds > 6.0, "{run:?}");
}

#[test]
fn what_the_table_has_not_is_named() {
    let rows = [row("resnet50", "h", 1.0, 1.0)];
    assert_eq!(
        survey(&rows, &work("resnet18")).unwrap_err().to_string(),
        "no known row names the model `resnet18`; did you mean resnet50?"
    );
    let training = Work { mode: Some("training".into()), ..work("resnet50") };
    assert!(survey(&rows, &training).unwrap_err().to_string().contains("its rows have inference"));
}

#[test]
fn an_unwanted_setting_is_rejected_with_its_reason() {
    let rows = [row("a", "fast", 3.0, 80.0), row("a", "small", 6.0, 20.0)];
    let unwanted = |setting: &Setting| (setting.hardware == "fast").then(|| "it is not yours".to_owned());
    let found = survey(&rows, &work("a")).unwrap().choose(&Limits::default(), &unwanted);
    assert_eq!(found.choice.unwrap().setting.hardware, "small");
    assert_eq!(found.rejected[0].why, "it is not yours");
}

#[test]
fn a_limit_on_p95_is_kept_only_by_what_is_known_to_keep_it() {
    let known = Measurement { p95_ms: Some(4.0), ..row("a", "known", 3.5, 1.0) };
    let spiky = Measurement { p95_ms: Some(9.0), ..row("a", "spiky", 3.0, 1.0) };
    let rows = [known, spiky, row("a", "untold", 2.0, 1.0), row("a", "slow", 8.0, 1.0)];
    let found = ask(&rows, "a", Limits { max_p95_ms: Some(5.0), ..Limits::default() });
    assert_eq!(found.choice.unwrap().setting.hardware, "known");
    assert!(found.alternatives.is_empty());
    let why = |hardware: &str| &found.rejected.iter().find(|no| no.setting.hardware == hardware).unwrap().why;
    assert_eq!(why("spiky"), "p95 measured at 9.00 ms, more than the 5.00 ms allowed");
    assert!(why("untold").starts_with("its p95 is unknown"));
    assert_eq!(why("slow"), "measured at 8.00 ms typically, already more than the 5.00 ms allowed to p95");
}

#[test]
fn a_model_without_rows_is_predicted_from_what_its_graph_says() {
    let mut rows = Vec::new();
    for model in 0..40 {
        let cost = 1.0 + f64::from(model);
        for (hardware, speed) in [("one", 2.0), ("two", 1.0)] {
            let described = row(&format!("m{model}"), hardware, speed * cost, 10.0);
            rows.push(Measurement { macs: Some(1e9 * cost), parameters: Some(1e6 * cost), ..described });
        }
    }
    let described = Described { macs: Some(1e10), parameters: Some(1e7), ..Described::default() };
    let new =
        Work { mode: Some("inference".into()), batch: Some(1.0), described: Some(described), ..work("never measured") };
    let choice = survey(&rows, &new).unwrap().choose(&Limits::default(), &|_| None).choice.unwrap();
    assert_eq!((choice.setting.hardware.as_str(), choice.support), ("two", Some(Support::NewModel)));
    assert!((8.0..12.5).contains(&choice.latency_ms.value), "10 ms would be right: {:?}", choice.latency_ms);
}
