//! Journeys through the real window. Their pictures are kept in the target folder's `journeys/`.
#![cfg(target_os = "linux")]

#[path = "journeys/gallery.rs"]
mod gallery;
#[path = "journeys/hub.rs"]
mod hub;
#[path = "journeys/insight.rs"]
mod insight;
#[path = "common/hub.rs"]
mod server;
#[path = "journeys/templates.rs"]
mod templates;
#[path = "common/window.rs"]
mod window;

use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    io::Write,
    path::Path,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use window::Window;

/// Two windows at once would wait for each other to be drawn, and a dialog of the system may lose what is typed.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fills the store before the window opens, so that there is something to look at.
fn import_table(data: &Path) {
    let mut table = String::from(COLUMNS);
    for (model, family, factor) in [("resnet50", "resnet", 4.0), ("bert-base", "bert", 9.0), ("vit-small", "vit", 5.0)]
    {
        for (hardware, speed) in [("Xeon Gold 6248", 1.0), ("NVIDIA A100", 2.5)] {
            for batch in [1, 2, 4, 8] {
                let latency = factor * f64::from(batch) / speed;
                table += &format!(
                    "{model},{family},{hardware},onnxruntime,f32,inference,{batch},224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,{latency},180\n"
                );
            }
        }
    }
    import(data, &table, &data.join("assay.duckdb"));
}

const COLUMNS: &str = "model,family,hardware,runtime,precision,mode,batch,size,devices,threads,software,measured_at,parameters,macs,activations,latency_ms,peak_memory_mb\n";

fn import(data: &Path, table: &str, store: &Path) {
    let file = data.join("table.csv");
    fs::write(&file, table).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["import", &file.display().to_string(), "--store", &store.display().to_string()])
        .env("ASSAY_DATA", data)
        .status()
        .unwrap();
    assert!(status.success());
}

/// A store that has results opens on the matrix.
fn used(data: &Path) -> Window {
    import_table(data);
    let window = Window::open(data);
    window.wait("page-matrix");
    window
}

#[test]
fn from_the_first_start_to_the_first_result_it_takes_three_clicks() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open_moving(data.path());
    window.wait("welcome-start");
    window.picture("first-run-1-welcome");
    window.click("starter-preset:bert-tiny");
    let pressed = Instant::now();
    window.click("welcome-start");
    window.wait("live");
    window.picture("first-run-2-measuring");
    window.wait_long("finished", Duration::from_secs(180));
    println!("from the press to the end of the first sweep: {:.1} s", pressed.elapsed().as_secs_f64());
    window.picture("first-run-3-finished");
    window.click("see-matrix");
    let figure = window.text("cell-bert-tiny-cpu");
    assert!(figure.contains("ms"), "{figure}");
    window.picture("first-run-4-matrix");
    window.click("cell-bert-tiny-cpu");
    window.says("task-rate", "tokens/s");
}

#[test]
fn a_sweep_cancelled_midway_keeps_what_was_measured() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-own");
    window.click("model-preset:bert-tiny");
    window.type_into("batches", "10000000");
    window.says("nothing-runs", "None of this can run here");
    window.picture("sweep-0-refused");
    window.type_into("batches", "1, 2, 4, 8, 16, 32");
    window.wait("estimate");
    window.picture("sweep-1-plan");
    window.click("start");
    window.wait("queue");
    window.click("nav-results");
    window.until("a first result", |window| (window.count("[data-testid=result-row]") > 0).then_some(()));
    window.click("nav-launch");
    window.picture("sweep-2-running");
    window.click("cancel-all");
    let began = Instant::now();
    window.until("an empty queue", |window| (window.count("[data-testid=live]") == 0).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    window.picture("sweep-3-cancelled");
    window.click("nav-results");
    window.until("the results", |window| (window.count("[data-testid=result-row]") > 0).then_some(()));
    window.picture("sweep-4-results");
}

#[test]
fn a_broken_file_gets_a_sentence_and_the_window_goes_on() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let broken = data.path().join("broken.onnx");
    fs::write(&broken, [8, 7, 18, 255, 255, 255, 255, 15, 1, 2, 3]).unwrap();
    let window = Window::open(data.path());
    window.click("welcome-own");
    window.click("add-model");
    window.answer_dialog("Choose a model", &broken);
    let said = window.text("failure");
    assert!(said.to_lowercase().contains("broken.onnx") && said.contains("damaged"), "{said}");
    window.picture("broken-file");
    window.click("model-preset:bert-tiny");
    window.wait("estimate");
    window.click("nav-machine");
    window.says("libraries-path", &data.path().join("libraries").display().to_string());
    window.picture("libraries-folder");
}

#[test]
fn the_matrix_shows_what_the_filter_asks_for() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = used(data.path());
    let rows = "[data-testid=matrix] tbody tr";
    window.until("three models", |window| (window.count(rows) == 3).then_some(()));
    window.picture("matrix-1-all");
    window.type_into("filter-search", "bert");
    window.until("one model", |window| (window.count(rows) == 1).then_some(()));
    window.picture("matrix-2-filtered");
    window.click("filter-clear");
    window.until("three models again", |window| (window.count(rows) == 3).then_some(()));
}

#[test]
fn another_store_begins_anew_and_its_last_page_can_be_deleted() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let other = data.path().join("other.duckdb");
    let row =
        |batch: u32| format!("vit-large,vit,NVIDIA A100,onnxruntime,f32,inference,{batch},,1,,,2024-05-01,,,,9,\n");
    import(data.path(), &(COLUMNS.to_owned() + &(1..=101).map(row).collect::<String>()), &other);
    let window = used(data.path());
    window.theme("dark");
    window.type_into("filter-search", "bert");
    window.wait("filter-clear");
    window.click("nav-settings");
    window.click("open-store");
    window.answer_dialog("Open a store", &other);
    window.says("matrix", "vit-large");
    assert_eq!(window.count("[data-testid=filter-clear]"), 0, "the filter was for the other store");
    assert_eq!(window.count("html[data-theme=dark]"), 0, "so was the theme");
    window.picture("store-1-another");

    let rows = "[data-testid=result-row]";
    window.click("nav-results");
    window.click("page-next");
    window.until("the last page", |window| (window.count(rows) == 1).then_some(()));
    window.click("choose-all");
    window.click("delete");
    window.until("the page before it", |window| (window.count(rows) == 100).then_some(()));

    let deleted = "[data-testid=deleted-row]";
    window.click("results-deleted");
    window.until("what was deleted", |window| (window.count(deleted) == 1).then_some(()));
    window.picture("store-2-deleted");
    let undo = "[data-testid=notice-act]";
    assert_eq!(window.count(undo), 1, "the other way back");
    window.click("choose-deleted");
    window.click("restore");
    window.until("it to be restored", |window| (window.count(deleted) == 0).then_some(()));
    window.until("nothing to undo", |window| (window.count(undo) == 0).then_some(()));
    window.click("results-kept");
    window.wait("page-next");

    window.click("nav-settings");
    window.click("usual-store");
    window.says("matrix", "resnet50");
}

#[test]
fn an_import_is_seen_from_every_page_and_cancelled() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = used(data.path());
    let packed = |text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let row = "m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,1,1\n";
    let large = data.path().join("large.csv.gz");
    fs::write(&large, [packed(COLUMNS), packed(&row.repeat(10_000)).repeat(1_000)].concat()).unwrap();
    window.click("nav-results");
    window.click("results-import");
    window.answer_dialog("Import measurements", &large);
    window.wait("import-strip");
    window.click("nav-matrix");
    window.says("import-strip", "large.csv.gz");
    window.picture("import-1-running");
    window.resize(900, 600);
    window.theme("dark");
    window.picture("import-2-running-dark-small");
    window.click("import-cancel");
    window.until("the end", |window| (window.count("[data-testid=import-strip]") == 0).then_some(()));
    window.picture("import-3-cancelled");
    window.click("nav-results");
    window.until("what was there", |window| (window.count("[data-testid=result-row]") == 24).then_some(()));
}

#[test]
fn a_chart_is_exported_as_a_picture_and_as_data() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = used(data.path());
    window.click("nav-charts");
    window.until("a drawn chart", |window| (window.count("[data-testid=plot] svg") > 0).then_some(()));
    window.picture("chart-1-drawn");
    for (button, name, start) in [
        ("export-svg", "chart.svg", "<svg"),
        ("export-png", "chart.png", "\u{fffd}PNG"),
        ("export-data", "chart.csv", ""),
    ] {
        let path = data.path().join(name);
        window.click(button);
        // The dialog suggests a name and selects it up to its ending, which stays when a person types over it.
        window.answer_dialog("Save", &path.with_extension(""));
        let written = window.until(name, |_| fs::read(&path).ok().filter(|bytes| bytes.len() > 100));
        assert!(String::from_utf8_lossy(&written).starts_with(start), "{name}");
    }
    window.picture("chart-2-exported");
    window.click("chart-heat-map");
    window.until("a drawn heat map", |window| (window.count("[data-testid=plot] .hm") > 0).then_some(()));
    window.picture("chart-3-heat-map");
}

#[test]
fn two_settings_are_compared_until_it_can_be_told() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-own");
    window.click("nav-compare");
    window.picture("compare-1-set-up");
    for side in ["a", "b"] {
        window.click(&format!("compare-{side}-model-preset:bert-tiny"));
        window.click(&format!("compare-{side}-target-candle-cpu"));
        window.type_into(&format!("compare-{side}-threads"), "1");
    }
    window.type_into("compare-a-size", "16");
    window.type_into("compare-b-batch", "none");
    window.until("what must be mended", |window| window.text("compare-wrong").contains("none").then_some(()));
    window.type_into("compare-b-batch", "1");
    window.type_into("compare-b-size", "512");
    window.click("compare-tail-p99");
    window.type_into("compare-tail-ms", "60000");
    window.type_into("compare-budget", "12");
    window.picture("compare-1-set-up-limit");
    window.click("compare-start");
    window.until("the first rounds", |window| (window.count("[data-testid=compare-picture] svg") > 0).then_some(()));
    window.picture("compare-2-measuring");
    window.wait_long("compare-sides", Duration::from_secs(120));
    let verdict = window.text("compare-verdict");
    assert!(verdict.starts_with("B is slower: it takes "), "so much more text: {verdict}");
    let kept = window.text("compare-limits");
    for unknown in ["It is unknown whether A keeps its p99", "It is unknown whether B keeps its p99"] {
        assert!(
            kept.contains(unknown) && kept.contains("about 1236 rounds would tell"),
            "too few rounds for a p99: {kept}"
        );
    }
    window.picture("compare-3-told");

    // A against itself, with calls so long that a second holds too few rounds to tell: more time is offered.
    window.click("compare-setup");
    window.wait("compare-earlier");
    for side in ["a", "b"] {
        window.type_into(&format!("compare-{side}-batch"), "4");
        window.type_into(&format!("compare-{side}-size"), "512");
    }
    window.type_into("compare-threshold", "20");
    window.type_into("compare-budget", "1");
    window.picture("compare-4-earlier");
    window.click("compare-start");
    window.wait_long("compare-more", Duration::from_secs(120));
    let verdict = window.text("compare-verdict");
    assert!(verdict.starts_with("It cannot be told"), "{verdict}");
    window.resize(900, 600);
    window.picture("compare-5-cannot-tell-small");
    window.click("compare-more");
    window.click("compare-cancel");
    window.until("the end", |window| window.text("compare-verdict").starts_with("Cancelled").then_some(()));
    window.click("compare-setup");
    window.picture("compare-6-set-up-small");
}

/// No such model exists anywhere.
const NEVER_SEEN: &str = r#"{
  "model_type": "bert",
  "hidden_size": 128,
  "num_hidden_layers": 2,
  "num_attention_heads": 2,
  "intermediate_size": 512
}"#;

#[test]
fn a_configuration_never_seen_is_pasted_changed_and_measured() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-skip");
    window.click("nav-models");
    window.until("the model types", |window| (window.count("[data-testid=types] tbody tr") > 10).then_some(()));
    window.picture("models-1-gallery");
    window.type_into("models-search", "bert");
    window.until("fewer types", |window| (!window.text("models-count").starts_with("804")).then_some(()));
    window.click("models-paste");
    window.type_into("model-json", NEVER_SEEN);
    let before =
        window.until("its size", |window| Some(window.text("cost-parameters")).filter(|text| !text.is_empty()));
    window.picture("models-2-text");
    window.click("model-form");
    window.type_into("size-num_hidden_layers", "4");
    let after =
        window.until("other costs", |window| Some(window.text("cost-parameters")).filter(|text| *text != before));
    println!("parameters: {before}, then {after}");
    window.picture("models-3-changed");
    window.resize(900, 600);
    window.picture("models-3-changed-small");
    window.resize(1280, 800);
    window.click("open-palette");
    window.click("action-theme-dark");
    window.picture("models-3-changed-dark");
    window.type_into("size-num_attention_heads", "3");
    let said = window.text("model-problem");
    assert!(said.contains("hidden_size") && said.contains("Line "), "{said}");
    window.picture("models-4-wrong");
    window.type_into("size-num_attention_heads", "4");
    window.until("a model that can be measured", |window| {
        (window.count("[data-testid=model-measure]:not(:disabled)") == 1).then_some(())
    });
    window.click("model-measure");
    window.type_into("budget", "2");
    window.wait("estimate");
    window.picture("models-5-launch");
    let pressed = Instant::now();
    window.click("start");
    window.wait("live");
    window.wait_long("finished", Duration::from_secs(180));
    println!("from the press to the end of the sweep: {:.1} s", pressed.elapsed().as_secs_f64());
    window.click("see-matrix");
    let figure = window.text("cell-My model-cpu");
    assert!(figure.contains("ms"), "{figure}");
    window.picture("models-6-matrix");
    window.click("nav-models");
    window.click("model-back");
    // Its filters move once there is something to choose between.
    window.wait("types");
    window.click("models-clear");
    window.wait("card-preset:llama-2-7b");
    window.picture("models-7-gallery-dark");
    window.click("card-preset:llama-2-7b");
    let fit = window.text("fit");
    assert!(fit.to_lowercase().contains("fit"), "{fit}");
    println!("{fit}");
    window.picture("models-8-large-dark");
}

/// A decoder of two narrow layers.
const WRITER: &str = r#"{
  "model_type": "llama",
  "architectures": ["LlamaForCausalLM"],
  "vocab_size": 4000,
  "hidden_size": 256,
  "num_hidden_layers": 4,
  "num_attention_heads": 8,
  "num_key_value_heads": 4,
  "intermediate_size": 688,
  "max_position_embeddings": 512
}"#;

#[test]
fn text_is_generated_and_its_tokens_per_second_stand_in_the_matrix() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-skip");
    window.click("nav-models");
    window.click("models-paste");
    window.type_into("model-json", WRITER);
    window.until("a model that can be measured", |window| {
        (window.count("[data-testid=model-measure]:not(:disabled)") == 1).then_some(())
    });
    window.click("model-measure");
    window.wait("estimate");
    window.click("mode-generation");
    window.type_into("lengths", "32");
    window.type_into("output-tokens", "1");
    window.picture("generation-1-too-short");
    window.type_into("output-tokens", "16");
    window.type_into("budget", "2");
    window.wait("estimate");
    window.picture("generation-2-set-up");
    window.resize(900, 600);
    window.picture("generation-2-set-up-small");
    window.resize(1280, 800);
    window.click("start");
    window.until("the first tokens", |window| {
        (window.count("[data-testid=live-tokens]") == 1 && window.text("live-tokens").contains("tokens/s"))
            .then_some(())
    });
    window.picture("generation-3-live");
    window.wait_long("finished", Duration::from_secs(240));
    window.click("see-matrix");
    window.click("metric-token-rate");
    let figure = window
        .until("the rate", |window| Some(window.text("cell-My model-cpu")).filter(|text| text.contains("tokens/s")));
    println!("{figure}");
    window.picture("generation-4-matrix");
    window.click("cell-My model-cpu");
    window.says("tokens-per-s", "tokens/s");
    window.picture("generation-5-result");
    window.click("open-palette");
    window.click("action-theme-dark");
    window.resize(900, 600);
    window.picture("generation-6-result-dark-small");
}
