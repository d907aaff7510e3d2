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
            ("middle", false, "2.00 times the choice's time; under 0.1 % likely to be the fastest"),
            ("slow", true, "3.00 times the choice's time; under 0.1 % likely to be the fastest"),
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

/// Forty models on three pieces of hardware, but for the eighth on the third.
fn all_but_one() -> Vec<Measurement> {
    let mut rows = Vec::new();
    for model in 0..40 {
        let cost = 1.0 + f64::from(model);
        let mut add = |hardware: &str, ms: f64, place: i32| {
            rows.push(row(&format!("m{model}"), hardware, ms, 10.0 + f64::from((model * 3 + place) % 4)));
        };
        add("one", 2.0 * cost, 0);
        add("two", 1.9 * cost * (1.0 + 0.05 * f64::from(model % 5)), 1);
        if model != 7 {
            add("three", 1.8 * cost * (1.0 + 0.05 * f64::from(model % 3)), 2);
        }
    }
    rows
}

#[test]
fn a_result_is_as_sure_as_repeats_and_its_own_interval_make_it() {
    let chance = |rows: &[Measurement]| ask(rows, "a", Limits::default()).choice.unwrap().probability_best;
    let close = vec![row("a", "one", 3.0, 1.0), row("a", "two", 3.06, 1.0)];
    // Nothing was measured twice: results may be off by 3 % each.
    let single = chance(&close);
    assert!((0.6..0.76).contains(&single), "{single}");
    let twice = |model: i32| [4.0, 4.02].map(|ms| row(&format!("m{model}"), "one", ms, 1.0));
    let steady: Vec<Measurement> = (0..20).flat_map(twice).chain(close.clone()).collect();
    assert!(chance(&steady) > 0.95, "{}", chance(&steady));
    let unsure = |own: &Measurement| Measurement { low_ms: Some(2.4), high_ms: Some(3.6), ..own.clone() };
    let unsure: Vec<Measurement> = steady[..40].iter().cloned().chain(close.iter().map(unsure)).collect();
    assert!(chance(&unsure) < 0.65, "{}", chance(&unsure));
    let apart: Vec<Measurement> = steady.iter().cloned().chain([row("a", "one", 2.5, 1.0)]).collect();
    assert!(chance(&apart) < 0.8, "its two results are 20 % apart: {}", chance(&apart));
}

#[test]
fn what_was_measured_once_may_be_worth_measuring_again() {
    let close = [row("a", "one", 3.0, 1.0), row("a", "two", 3.03, 1.0), row("a", "slow", 9.0, 1.0)];
    let found = ask(&close, "a", Limits::default());
    let run = found.next_run.unwrap();
    assert!(run.setting.hardware != "slow" && run.regret_saved > 0.001, "{run:?}");
    assert!(found.further_runs.iter().all(|run| run.setting.hardware != "slow"), "nobody doubts it");
    let again = |at: i32| {
        let more = 1.0 + 1e-5 * f64::from(at);
        [row("a", "one", 3.0 * more, 1.0), row("a", "two", 3.03 * more, 1.0)]
    };
    let often: Vec<Measurement> = (0..30).flat_map(again).collect();
    assert_eq!(ask(&often, "a", Limits::default()).next_run, None, "one more of thirty tells nothing");
}

#[test]
fn a_prediction_close_to_a_limit_says_how_sure_it_is_to_keep_it_and_is_measured_first() {
    let rows = all_but_one();
    let open = ask(&rows, "m7", Limits::default());
    let all = || open.choice.iter().chain(&open.alternatives);
    let predicted = all().find(|c| c.evidence == Evidence::Predicted).unwrap();
    assert!(all().all(|c| c.keeps_limits == 1.0 && !c.why.contains("sure to keep")));

    let limits = Limits { max_latency_ms: Some(predicted.latency_ms.value * 1.001), ..Limits::default() };
    let found = ask(&rows, "m7", limits);
    let choice = found.choice.unwrap();
    assert_eq!((choice.setting.hardware.as_str(), found.alternatives.len()), ("three", 0));
    assert!((0.4..0.7).contains(&choice.keeps_limits), "{choice:?}");
    assert!((choice.probability_best - choice.keeps_limits).abs() < 1e-9, "it is the only one: {choice:?}");
    assert!(choice.why.ends_with(" % sure to keep the limits"), "{}", choice.why);
    assert_eq!(found.next_run.unwrap().setting, choice.setting);

    let memory = predicted.peak_memory_mb.unwrap().value * 1.0001;
    let found = ask(&rows, "m7", Limits { max_memory_mb: Some(memory), ..Limits::default() });
    let all: Vec<&Candidate> = found.choice.iter().chain(&found.alternatives).collect();
    let three = all.iter().find(|c| c.evidence == Evidence::Predicted).unwrap();
    assert!((0.4..0.7).contains(&three.keeps_limits), "{three:?}");
    assert!(three.probability_best < three.keeps_limits + 1e-9, "{three:?}");
    assert!(all.iter().all(|c| c.evidence == Evidence::Predicted || c.keeps_limits == 1.0));
}

#[test]
fn a_setting_that_was_not_measured_is_predicted_and_may_be_the_next_run() {
    let rows = all_but_one();
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
