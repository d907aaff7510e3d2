use super::*;
use proptest::prelude::*;

/// Times of made-up models on made-up hardware: a cost each, a speed each, an overhead each, and a little noise.
fn table(models: usize, hardware: usize) -> Vec<Measurement> {
    let mut rows = Vec::new();
    for model in 0..models {
        let macs = 1e8 * 1.35_f64.powi((model % 17) as i32) * (1.0 + (model / 17) as f64);
        for device in 0..hardware {
            for precision in ["fp32", "fp16"] {
                let speed = 1e9 * (1.0 + 1.7 * device as f64) * if precision == "fp16" { 1.6 } else { 1.0 };
                let overhead = 0.05 * (1.0 + (device * 7 % 5) as f64);
                let noise = 1.0
                    + 0.02
                        * ((support::scattered((model * 1000 + device * 10 + precision.len()) as u64) % 201) as f64
                            / 100.0
                            - 1.0);
                rows.push(Measurement {
                    model: format!("net{model}"),
                    hardware: format!("chip {device}"),
                    precision: precision.into(),
                    mode: "inference".into(),
                    batch: Some(4.0),
                    macs: Some(macs),
                    latency_ms: Some(4.0 * (1000.0 * macs / speed + overhead) * noise),
                    peak_memory_mb: Some(20.0 + macs / 1e8),
                    ..Measurement::default()
                });
            }
        }
    }
    rows
}

fn share(hits: impl Iterator<Item = bool>) -> f64 {
    let hits: Vec<bool> = hits.collect();
    hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64
}

/// Splits a table, forecasts what was hidden and returns it with the answers.
fn answered(rows: &[Measurement], hidden: impl Fn(&Measurement) -> bool) -> Vec<(Measurement, Forecast)> {
    let (asked, known): (Vec<&Measurement>, Vec<&Measurement>) = rows.iter().partition(|row| hidden(row));
    let answers = forecast(&known, &asked).answers;
    asked.into_iter().cloned().zip(answers).collect()
}

fn every_fifth_pair(row: &Measurement) -> bool {
    hashed(&[&row.model, &row.hardware]).is_multiple_of(5)
}

#[test]
fn hidden_combinations_are_found_and_their_intervals_hold() {
    let found = answered(&table(60, 6), every_fifth_pair);
    assert!(found.len() > 80, "{} asked", found.len());
    assert!(found.iter().all(|(_, answer)| answer.support == Support::Combination));
    let error = |row: &Measurement, answer: &Forecast| answer.latency_ms.unwrap().value / row.latency_ms.unwrap() - 1.0;
    let near = share(found.iter().map(|(row, answer)| error(row, answer).abs() < 0.15));
    assert!(near > 0.95, "{near} within 15 %");
    let covered = share(found.iter().map(|(row, answer)| {
        let (time, truth) = (answer.latency_ms.unwrap(), row.latency_ms.unwrap());
        time.low <= truth && truth <= time.high
    }));
    assert!((0.8..=0.99).contains(&covered), "{covered} covered");
    let memory =
        share(found.iter().map(|(row, answer)| {
            (answer.peak_memory_mb.unwrap().value / row.peak_memory_mb.unwrap() - 1.0).abs() < 0.15
        }));
    assert!(memory > 0.9, "memory: {memory} within 15 %");
}

/// Five times each cell of a table: what a cell takes is its own by 15 to 25 %, and its repeats differ by a percent.
fn repeated(models: usize, hardware: usize) -> Vec<Measurement> {
    let mut rows = Vec::new();
    for row in table(models, hardware) {
        let cell = hashed(&[&row.model, &row.hardware, &row.precision]);
        let own = (0.15 + 0.1 * (cell % 101) as f64 / 100.0) * if cell.is_multiple_of(2) { 1.0 } else { -1.0 };
        for repeat in 0..5 {
            let noise = 0.01 * ((support::scattered(cell ^ repeat) % 200_001) as f64 / 100_000.0 - 1.0);
            let latency_ms = row.latency_ms.map(|ms| ms * (own + noise).exp());
            rows.push(Measurement { latency_ms, ..row.clone() });
        }
    }
    rows
}

fn hashed(words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes());
    bytes.fold(7, |hash, byte| support::scattered(hash ^ u64::from(byte)))
}

#[test]
fn repeats_of_cells_do_not_make_sure_of_cells_that_were_never_measured() {
    let rows = repeated(40, 6);
    let width = |found: &[(Measurement, Forecast)]| {
        let mut widths: Vec<f64> =
            found.iter().map(|(_, a)| a.latency_ms.unwrap()).map(|t| (t.high / t.low).ln()).collect();
        middle::middle(&mut widths)
    };
    let hidden = |row: &Measurement| hashed(&[&row.precision, &row.model, &row.hardware]).is_multiple_of(5);
    let mut never = answered(&rows, hidden);
    never.retain(|(_, answer)| answer.support == Support::Setting);
    assert!(never.len() > 300, "{} asked", never.len());
    let covered = share(never.iter().map(|(row, answer)| {
        let (time, truth) = (answer.latency_ms.unwrap(), row.latency_ms.unwrap());
        time.low <= truth && truth <= time.high
    }));
    assert!(covered >= 0.85, "{covered} covered");
    // One of the five repeats of every fifth cell.
    let once: Vec<u64> = rows.iter().step_by(25).map(|row| row.latency_ms.unwrap().to_bits()).collect();
    let again = answered(&rows, |row| once.contains(&row.latency_ms.unwrap().to_bits()));
    assert_eq!(again.len(), once.len());
    assert!(width(&again) < 0.5 * width(&never), "{} and {}", width(&again), width(&never));
}

#[test]
fn memory_is_predicted_only_on_hardware_on_which_it_was_recorded() {
    let silent = |row: Measurement| {
        let peak_memory_mb = row.peak_memory_mb.filter(|_| row.hardware != "chip 3");
        Measurement { peak_memory_mb, ..row }
    };
    let rows: Vec<Measurement> = table(40, 6).into_iter().map(silent).collect();
    for (row, answer) in answered(&rows, every_fifth_pair) {
        assert!(answer.latency_ms.is_some(), "the time is known there");
        assert_eq!(answer.peak_memory_mb.is_some(), row.hardware != "chip 3", "{}", row.hardware);
    }
}

#[test]
fn a_device_never_seen_is_flagged_with_the_models_to_run_on_it() {
    for (row, answer) in answered(&table(40, 6), |row| row.hardware == "chip 3") {
        assert_eq!(answer.support, Support::NewHardware, "{}", row.model);
        assert!(
            answer.note.contains("never measured") && answer.note.contains("run these 15 models"),
            "{}",
            answer.note
        );
    }
}

#[test]
fn a_device_with_a_few_models_measured_is_told_from_the_others() {
    let few = |row: &Measurement| row.model.ends_with('7');
    let found = answered(&table(80, 6), |row| row.hardware == "chip 3" && !few(row));
    assert!(found.iter().all(|(_, answer)| answer.support == Support::FewOnHardware));
    let near = share(
        found
            .iter()
            .map(|(row, answer)| (answer.latency_ms.unwrap().value / row.latency_ms.unwrap() - 1.0).abs() < 0.15),
    );
    assert!(near > 0.9, "{near} within 15 %");
    let covered = share(found.iter().map(|(row, answer)| {
        let (time, truth) = (answer.latency_ms.unwrap(), row.latency_ms.unwrap());
        time.low <= truth && truth <= time.high
    }));
    assert!(covered > 0.8, "{covered} covered");
}

#[test]
fn an_old_measurement_widens_the_interval_and_says_so() {
    let at = |date: &str| -> Vec<Measurement> {
        // What is asked has no time: it is a question of the day of the newest result.
        let dated = |row: Measurement| {
            let measured_at = match (every_fifth_pair(&row), row.hardware == "chip 3") {
                (true, _) => "",
                (false, true) => date,
                (false, false) => "2026-06-01",
            };
            Measurement { measured_at: measured_at.into(), ..row }
        };
        table(40, 6).into_iter().map(dated).collect()
    };
    let answers = |date: &str| -> Vec<Forecast> {
        let found = answered(&at(date), every_fifth_pair).into_iter();
        found.filter(|(row, _)| row.hardware == "chip 3").map(|(_, answer)| answer).collect()
    };
    let (new, old) = (answers("2026-06-01"), answers("2024-06-01T12:00:00Z"));
    assert!(!new.is_empty());
    let width = |answer: &Forecast| answer.latency_ms.map(|time| (time.high / time.low).ln()).unwrap();
    assert!(new.iter().zip(&old).all(|(new, old)| width(old) > 1.1 * width(new)));
    assert!(old.iter().all(|answer| answer.note.contains("24 months older")), "{}", old[0].note);
    assert!(new.iter().all(|answer| !answer.note.contains("months")), "{}", new[0].note);
}

#[test]
fn an_unknown_model_is_told_from_models_alike_in_name() {
    let named = |row: Measurement| {
        let number: usize = row.model.trim_start_matches("net").parse().unwrap();
        // Costs go by the family, and the table does not state them.
        let family = ["dense", "plain", "swift", "vast", "wide"][number % 5];
        let time = row.latency_ms.unwrap() / row.macs.unwrap() * 1e9 * 3_f64.powi((number % 5) as i32);
        Measurement { model: format!("{family}net{number}"), macs: None, latency_ms: Some(time), ..row }
    };
    let rows: Vec<Measurement> = table(80, 6).into_iter().map(named).collect();
    let found = answered(&rows, |row| row.model.ends_with('3') || row.model.ends_with('6'));
    assert!(found.iter().all(|(_, answer)| answer.support == Support::NewModel));
    let off = |(row, answer): &(Measurement, Forecast)| {
        (answer.latency_ms.unwrap().value / row.latency_ms.unwrap()).ln().abs()
    };
    let near = share(found.iter().map(|own| off(own) < 0.4));
    assert!(near > 0.8, "{near} within a factor of 1.5, where families are a factor of 3 apart");
}

#[test]
fn with_two_devices_a_third_gets_no_time() {
    let found = answered(&table(40, 3), |row| row.hardware == "chip 2");
    assert!(found.iter().all(|(_, answer)| answer.latency_ms.is_none() && answer.note.contains("run these")));
}

#[test]
fn an_unknown_model_has_a_wider_interval_than_a_known_one() {
    let width = |found: &[(Measurement, Forecast)]| {
        let mut widths: Vec<f64> = found.iter().map(|(_, a)| a.latency_ms.unwrap()).map(|t| t.high / t.low).collect();
        widths.sort_by(f64::total_cmp);
        widths[widths.len() / 2]
    };
    let rows: Vec<Measurement> = table(60, 6).into_iter().map(|row| Measurement { macs: None, ..row }).collect();
    let known = answered(&rows, every_fifth_pair);
    let unknown = answered(&rows, |row| row.model.ends_with('3'));
    assert!(unknown.iter().all(|(_, answer)| answer.support == Support::NewModel));
    assert!(width(&unknown) > 2.0 * width(&known), "{} against {}", width(&unknown), width(&known));
}

#[test]
fn what_nothing_speaks_for_is_left_open_with_the_reason() {
    let rows = table(20, 3);
    let known: Vec<&Measurement> = rows.iter().collect();
    let stranger = Measurement { model: "x".into(), hardware: "y".into(), ..Measurement::default() };
    let answer = forecast(&known, &[&stranger]).answers.remove(0);
    assert!(
        answer.latency_ms.is_none() && answer.note.contains("neither the model nor the hardware"),
        "{}",
        answer.note
    );
    let answer = forecast(&[], &[&stranger]).answers.remove(0);
    assert!(answer.latency_ms.is_none() && answer.note.contains("nothing is known"), "{}", answer.note);
}

#[test]
fn a_handful_of_rows_gives_a_rule_of_thumb_that_says_so() {
    let rows = table(3, 2);
    let found = answered(&rows, |row| row.model == "net1" && row.hardware == "chip 1");
    for (_, answer) in found {
        assert!(answer.note.contains("rule of thumb"), "{}", answer.note);
        let time = answer.latency_ms.unwrap();
        assert!(time.high / time.low > 90.0, "an unchecked interval must be wide: {time:?}");
    }
}

#[test]
fn the_same_table_gives_the_same_answers() {
    let times = || -> Vec<Option<Interval>> {
        answered(&table(30, 4), every_fifth_pair).into_iter().map(|(_, answer)| answer.latency_ms).collect()
    };
    assert_eq!(times(), times());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_table_gets_finite_answers_or_reasons(
        rows in prop::collection::vec((0..6_u8, 0..4_u8, 0..3_u8, prop::option::of(1e-9..1e12_f64), prop::option::of(1..512_u32), 1e-6..1e9_f64), 0..80),
        asked in prop::collection::vec((0..8_u8, 0..6_u8, 0..3_u8, prop::option::of(1..512_u32)), 1..8),
    ) {
        let name = |letter: &str, at: u8| if at == 0 { String::new() } else { format!("{letter}{at}") };
        let known: Vec<Measurement> = rows.iter().map(|(model, hardware, precision, macs, batch, time)| Measurement {
            model: name("m", *model), hardware: name("h", *hardware), precision: name("p", *precision),
            macs: *macs, batch: batch.map(f64::from), latency_ms: Some(*time), ..Measurement::default()
        }).collect();
        let asked: Vec<Measurement> = asked.iter().map(|(model, hardware, precision, batch)| Measurement {
            model: name("m", *model), hardware: name("h", *hardware), precision: name("p", *precision),
            batch: batch.map(f64::from), ..Measurement::default()
        }).collect();
        let forecasts = forecast(&known.iter().collect::<Vec<_>>(), &asked.iter().collect::<Vec<_>>());
        prop_assert_eq!(forecasts.answers.len(), asked.len());
        for answer in forecasts.answers {
            prop_assert!(!answer.note.is_empty());
            if let Some(time) = answer.latency_ms {
                prop_assert!(time.low > 0.0 && time.low <= time.value && time.value <= time.high && time.high.is_finite(), "{:?}", time);
            }
        }
    }
}
