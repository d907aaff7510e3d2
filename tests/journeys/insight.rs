//! Recommend, Watch and the predicted matrix in the real window.

use super::turn;
use crate::window::Window;
use std::{path::Path, process::Command, time::Duration};

/// Learning from a table of a thousand rows on a busy machine.
const LEARNING: Duration = Duration::from_secs(240);

/// A window on a store that holds one of the tables of `tests/data`.
fn filled(data: &Path, table: &str) -> Window {
    let file = format!("{}/tests/data/{table}", env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["import", &file, "--store", &data.join("assay.duckdb").display().to_string()])
        .env("ASSAY_DATA", data)
        .status()
        .unwrap();
    assert!(status.success());
    let window = Window::open(data);
    window.wait("page-matrix");
    window
}

/// Pictures in both themes and at both sizes.
pub fn pictures(window: &Window, name: &str) {
    for theme in ["light", "dark"] {
        window.theme(theme);
        for (width, height) in [(1280, 800), (900, 600)] {
            window.resize(width, height);
            window.picture(&format!("{name}-{theme}-{width}"));
        }
    }
    window.theme("light");
    window.resize(1280, 800);
}

#[test]
fn an_empty_store_is_told_what_to_do_on_both_pages() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-own");
    window.click("nav-recommend");
    window.wait("recommend-measure");
    pictures(&window, "recommend-1-empty");
    window.click("recommend-trust");
    window.wait("trust-measure");
    pictures(&window, "trust-1-empty");
    window.click("nav-watch");
    window.wait("watch-measure");
    window.says("page-watch", "got slower, and since when");
    pictures(&window, "watch-1-empty");
}

#[test]
fn a_team_finds_where_a_model_should_run() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = filled(data.path(), "edge_devices.csv.gz");
    window.click("nav-recommend");
    window.wait("recommend-choose");
    window.picture("recommend-2-which");
    window.choose("recommend-choose", "mobilenet_v2");
    window.picture("recommend-3-learning");
    window.wait_long("choice", LEARNING);
    window.until("a drawn front", |window| (window.count("[data-testid=plot] .point") > 20).then_some(()));
    assert!(window.count(".recommend .mark.predicted") > 0, "some settings are predicted");
    assert!(window.text("next-run").contains("This machine has no"), "{}", window.text("next-run"));
    pictures(&window, "recommend-4-answer");
    window.show("alternatives");
    pictures(&window, "recommend-5-others");

    window.type_into("limit-memory", "0.001\u{e007}");
    window.wait("no-choice");
    pictures(&window, "recommend-6-nothing-keeps");
    window.click("recommend-no-limits");
    window.wait("choice");
    window.click("allow-float");
    window.until("an answer in float", |window| window.text("choice").contains("float").then_some(()));

    window.click("save-engine-file");
    let path = data.path().join("settings.json");
    window.answer_dialog("Save", &path.with_extension(""));
    let written = window.until("the file", |_| std::fs::read_to_string(&path).ok().filter(|text| text.len() > 50));
    assert!(written.contains("mobilenet_v2"), "{written}");

    window.click("edit-prices");
    window.type_into("price-Samsung Galaxy S24", "1.5");
    window.type_into("price-Samsung Galaxy S23", "0");
    window.picture("recommend-7-prices");
    window.click("keep-prices");
    // In the middle of the slider, which begins at what costs nothing.
    window.click("limit-cost-slider");
    window.says("choice", "Samsung Galaxy S23");
    window.click("recommend-families");
    window.wait("families");
    pictures(&window, "recommend-8-families");
    window.click("recommend-machine");
    window.wait("here-measure");
    window.picture("recommend-9-here-empty");
}

#[test]
fn what_was_not_measured_is_predicted_in_the_matrix() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = filled(data.path(), "edge_devices.csv.gz");
    window.type_into("filter-search", "mobilenet");
    window.click("predict");
    window.until_within(LEARNING, "a hatched cell", |window| (window.count(".cell.hatched") > 0).then_some(()));
    pictures(&window, "matrix-predicted");
    window.click("nav-recommend");
    window.click("recommend-trust");
    window.says("trust", "wait for their measurement");
    pictures(&window, "trust-5-waiting");
}

/// A store with predictions for a part of a table, and the results that came after them, month by month.
fn judged(data: &Path) -> Window {
    let header = "model,family,hardware,runtime,precision,mode,batch,measured_at,latency_ms\n";
    let [mut known, mut ask, mut measured] = [header; 3].map(str::to_owned);
    for (nth, (model, chip)) in (0..24).flat_map(|model| (0..6).map(move |chip| (model, chip))).enumerate() {
        let off = [1.0, 1.02, 0.97, 1.04, 0.95, 1.01, 0.99][nth % 7];
        let ms = 0.4 * 1.3_f64.powi(model) / f64::from(1 + chip) * off;
        let row = |at: &str, ms: &str| format!("net{model},net,chip {chip},onnxruntime,f32,inference,1,{at},{ms}\n");
        if nth % 4 == 1 {
            ask += &row("", "");
            // A few are far from what anyone would expect.
            let ms = if nth % 9 == 1 { ms * 1.8 } else { ms };
            measured += &row(&format!("2100-{:02}-15", 1 + nth % 5), &ms.to_string());
        } else {
            known += &row("2026-01-15", &ms.to_string());
        }
    }
    let write = |name: &str, text: &str| {
        std::fs::write(data.join(name), text).unwrap();
        data.join(name).display().to_string()
    };
    let (known, ask) = (write("known.csv", &known), write("ask.csv", &ask));
    let (measured, out) = (write("measured.csv", &measured), data.join("out.csv").display().to_string());
    for command in [
        vec!["import", &known],
        vec!["forecast", "--known", &known, "--ask", &ask, "--out", &out],
        vec!["import", &measured],
    ] {
        let store = ["--store", &data.join("assay.duckdb").display().to_string()].map(str::to_owned);
        let mut assay = Command::new(env!("CARGO_BIN_EXE_assay"));
        assert!(assay.args(command).args(store).env("ASSAY_DATA", data).status().unwrap().success());
    }
    let window = Window::open(data);
    window.wait("page-matrix");
    window
}

#[test]
fn how_far_predictions_can_be_trusted_is_told_from_what_was_measured_later() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = judged(data.path());
    window.click("nav-recommend");
    window.click("recommend-trust");
    window.wait("trust-told");
    window.says("trust-told", "Of 36 predictions since 20");
    window.says("trust-told", "fell inside their 90 % interval.");
    window.says("trust-kinds", "36");
    window.says("depends-on", "The hardware");
    window.until("every pair drawn", |window| (window.count("[data-testid=plot] .point") == 36).then_some(()));
    window.picture("trust-2-pairs-whole");
    pictures(&window, "trust-2-pairs");
    window.click("export-data");
    let path = data.path().join("pairs.csv");
    window.answer_dialog("Save", &path.with_extension(""));
    let written = window.until("the data", |_| std::fs::read_to_string(&path).ok().filter(|text| text.len() > 50));
    assert_eq!(written.lines().count(), 37, "{written}");
    window.click("trust-months");
    window.until("five months", |window| (window.count("[data-testid=plot] .point") == 5).then_some(()));
    window.show("trust-kinds");
    pictures(&window, "trust-3-months");
    window.show("depends-on");
    window.picture("trust-4-depends");
}

#[test]
fn a_regression_is_found_explained_and_acknowledged() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = filled(data.path(), "edge_history.csv.gz");
    window.click("nav-watch");
    window.wait("alert-detail");
    pictures(&window, "watch-2-alert");
    let open = window.count("[data-testid=alert]:not(.settled)");
    window.click("acknowledge");
    window.until("one alert less", |window| {
        (window.count("[data-testid=alert]:not(.settled)") == open - 1).then_some(())
    });
    window.type_into("watch-search", "ffnet_78s SA8650 tflite");
    window.until("one series", |window| (window.count("[data-testid=series]") == 1).then_some(()));
    window.click("series");
    window.wait("series-detail");
    window.until("a drawn trend", |window| (window.count("[data-testid=plot] .point") > 8).then_some(()));
    pictures(&window, "watch-3-series");
    window.click("nav-results");
    window.type_into("filter-search", "lama_dilated");
    window.until("a badge", |window| (window.count("[data-testid=concern]") > 0).then_some(()));
    window.picture("watch-4-badge");
    window.click("concern");
    window.wait("series-detail");
}
