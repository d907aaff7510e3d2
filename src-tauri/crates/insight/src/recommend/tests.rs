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

fn ask(rows: &[Measurement], wish: &Wish) -> Result<Recommendation, RecommendError> {
    recommend(&rows.iter().collect::<Vec<_>>(), wish)
}

fn wish(model: &str) -> Wish {
    Wish { model: model.into(), ..Wish::default() }
}

#[test]
fn the_fastest_measured_setting_is_chosen_and_the_others_say_why_not() {
    let rows = [row("a", "slow", 9.0, 50.0), row("a", "fast", 3.0, 80.0), row("a", "middle", 6.0, 90.0)];
    let found = ask(&rows, &wish("a")).unwrap();
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
    let limits = Wish { max_latency_ms: Some(10.0), max_memory_mb: Some(50.0), ..wish("a") };
    let found = ask(&rows, &limits).unwrap();
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
    let none = ask(&rows, &Wish { max_latency_ms: Some(1.0), ..wish("a") }).unwrap();
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
    let found = ask(&rows, &wish("m7")).unwrap();
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
        ask(&rows, &wish("resnet18")).unwrap_err().to_string(),
        "no known row names the model `resnet18`; did you mean resnet50?"
    );
    let elsewhere = Wish { hardware: vec!["k".into()], ..wish("resnet50") };
    assert_eq!(ask(&rows, &elsewhere).unwrap_err().to_string(), "no known row names the hardware `k`; the table has h");
    let training = Wish { mode: Some("training".into()), ..wish("resnet50") };
    assert!(ask(&rows, &training).unwrap_err().to_string().contains("its rows have inference"));
}
