//! Templates in the real window: edited, mended, released, restored, and refused where they mean harm.

use super::turn;
use crate::window::{Window, keys};
use std::{fs, path::Path, time::Duration};

/// A first start opens on the welcome.
fn started(data: &Path) -> Window {
    let window = Window::open(data);
    window.wait("welcome-start");
    window
}

/// Opens a template at the line that holds this, with the cursor at the line's end.
fn open_at(window: &Window, template: &str, words: &str) {
    window.click("nav-templates");
    window.click(&format!("template-{template}"));
    window.wait("editor-text");
    window.type_into("template-search", words);
    window.click("template-hit");
    window.says("open-template", template);
    window.until("the cursor", |window| (window.count("[data-testid=editor-text]:focus") == 1).then_some(()));
    window.press(keys::END);
}

/// What was typed into a template is kept by now.
fn wait_until_kept(window: &Window, template: &str) {
    window.type_into("template-search", template);
    window.says("template-unsaved", "not saved");
}

#[test]
fn a_block_is_edited_mended_released_and_files_are_generated() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "test.py", "BATCH = 2");
    window.picture("templates-1-open");
    // The template is sound, and what it makes is no Python.
    window.press(" +");
    window.says("template-problem", "not Python");
    assert!(window.text("template-problem").contains("Line "), "{}", window.text("template-problem"));
    window.picture("templates-3-no-python");
    window.press(&keys::BACKSPACE.repeat(2));
    window.says("template-problems", "Nothing is wrong");
    window.press("  # {{ model.modle }}");
    window.says("template-problem", "model has no modle");
    let line = window.text("template-problem");
    assert!(line.contains("Line "), "{line}");
    window.says("preview-refused", "modle");
    window.picture("templates-2-mistake");
    window.press(&keys::BACKSPACE.repeat("modle }}".len()));
    window.press("model_type }}");
    window.says("template-problems", "Nothing is wrong");
    window.says("preview", "# llama");
    window.picture("templates-4-mended");

    window.click("side-impact");
    window.click("impact-begin");
    window.wait("making");
    window.picture("templates-5-impact-running");
    window.wait_long("impact-found", Duration::from_secs(300));
    window.says("impact-breaks", "Newly broken: 0");
    window.picture("templates-6-impact");
    window.click("impact-release");
    window.type_into("save-note", "The batch names its model");
    window.click("save-version");
    window.says("template-state", "version 2, released");
    window.picture("templates-7-released");

    let out = data.path().join("made");
    fs::create_dir(&out).unwrap();
    window.click("template-generate");
    for model in ["bert", "llama", "vit"] {
        window.type_into("generate-model", model);
        window.press(keys::ENTER);
    }
    window.says("generate-count", "3 files");
    window.picture("templates-8-generate");
    window.click("generate-begin");
    window.answer_dialog("Choose an empty folder", &out);
    window.says("generated", "3 files written");
    window.picture("templates-9-generated");
    for model in ["bert", "llama", "vit"] {
        let text = fs::read_to_string(out.join(format!("tests/test_{model}_cpu.py"))).unwrap();
        assert!(text.contains(&format!("BATCH = 2  # {model}")), "{model}");
    }
}

/// In the largest template. The times it prints are those of a released build, whose goals are 50 ms to what is wrong
/// and 150 ms to the preview, where `ASSAY_TEST_PROGRAM` names one.
#[test]
fn what_a_key_makes_is_shown_at_once() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "test.py", "BATCH = 2");
    window.press("  # a");
    window.says("preview", "BATCH = 2  # a");
    shown_soon(&window, "preview", "what it makes");
    window.press(" {{ model.x");
    window.press(" }}");
    window.says("template-problem", "model has no x");
    // Each further letter makes another name that there is not.
    window.press(&"\u{e012}".repeat(3));
    shown_soon(&window, "template-problems", "what it makes wrong");
}

/// Types letters and times each until what is observed changes.
fn shown_soon(window: &Window, observed: &str, what: &str) {
    window.script(&format!(
        "window.took = []; window.observer?.disconnect(); let at = 0;
         document.addEventListener('keydown', () => {{ at = performance.now(); }}, true);
         window.observer = new MutationObserver(() => {{ if (at) window.took.push(performance.now() - at); at = 0; }});
         window.observer.observe(document.querySelector('[data-testid={observed}]'), {{ childList: true, subtree: true, characterData: true }});",
    ));
    for letter in "abcdefghijkl".chars() {
        window.press(&letter.to_string());
        std::thread::sleep(Duration::from_millis(400));
    }
    let took = window.script("return window.took.sort((a, b) => a - b)");
    let took: Vec<f64> = took.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
    let median = took.get(took.len() / 2).copied().unwrap_or(f64::INFINITY);
    eprintln!("from a key to {what}: {median:.0} ms, of {took:.0?}");
    assert!(took.len() >= 8, "{what}: {took:?}");
}

/// A Python that is there on nearly every system; with or without PyTorch, what it is asked to run ends somehow.
fn has_python() -> bool {
    std::process::Command::new("python3").arg("--version").output().is_ok_and(|told| told.status.success())
}

#[test]
fn generated_files_are_checked_run_and_what_that_proves_is_shown() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    window.click("nav-templates");
    window.click("part-run");
    window.says("python-absent", "There is none yet");
    window.says("python-folder", "python");
    window.says("runs-told", "not checked yet");
    window.picture("runs-1-nothing-yet");
    window.click("python-plan");
    window.says("python-make", "Asking the index tells");
    window.picture("runs-2-before-making");
    window.press(keys::ESCAPE);

    window.type_into("runs-search", "bert");
    window.click("choose-bert");
    window.says("runs-ask", "1 model type");
    window.click("runs-ask");
    window.says("runs-count", "One file");
    window.says("runs-listed-text", "def test_the_same_seed_gives_the_same_result");
    window.says("runs-limits", "at most 15 minutes");
    window.says("runs-python-used", "no Python to run them in yet");
    assert_eq!(window.count("[data-testid=runs-run]:disabled"), 1, "nothing runs without a Python");
    window.picture("runs-3-consent");
    window.click("runs-check");
    window.says("proof-bert-cpu", "not run yet");
    window.picture("runs-4-checked");

    if !has_python() {
        eprintln!("nothing is run: there is no python3");
        return;
    }
    window.click("python-own-show");
    window.type_into("python-own", "python3");
    window.click("runs-ask");
    window.says("runs-python-used", "your own Python");
    window.click("runs-run");
    window.until_within(Duration::from_secs(600), "an end of the run", |window| {
        let said = window.text("proof-bert-cpu");
        ["passed", "failed", "skipped"].contains(&said.trim()).then_some(())
    });
    window.says("trials-told", "1 of 1 run");
    window.click("proof-bert-cpu");
    window.says("runs-file", "The newest run");
    if window.text("proof-bert-cpu").trim() == "skipped" {
        window.says("runs-file", "this Python has no");
    }
    window.says("runs-versions", "assay");
    window.picture("runs-5-ran");
}

/// Keeps a benchmark that does without PyTorch as a template of bert.
fn save_stand_in(data: &Path) {
    let file = data.join("benchmark.py");
    let body = include_str!("../common/benchmark.py");
    fs::write(&file, format!("---\nkind = \"benchmark\"\nmodel_type = \"bert\"\n---\n{body}")).unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["template", "save", "benchmark/bert.py"])
        .args([&file, Path::new("--store"), &data.join("assay.duckdb")])
        .env("ASSAY_DATA", data)
        .status()
        .unwrap();
    assert!(status.success());
}

/// With the benchmark that ships, where `ASSAY_TEST_PYTHON` names a Python that has PyTorch.
#[test]
fn a_benchmark_run_from_the_page_stands_in_the_matrix() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let with_torch = std::env::var("ASSAY_TEST_PYTHON").ok();
    if with_torch.is_none() {
        if !has_python() {
            eprintln!("nothing is run: there is no python3");
            return;
        }
        save_stand_in(data.path());
    }
    let window = started(data.path());
    window.click("nav-templates");
    window.click("part-run");
    window.click("runs-benchmark");
    window.click("python-own-show");
    window.type_into("python-own", with_torch.as_deref().unwrap_or("python3"));
    window.type_into("runs-search", "bert");
    window.click("choose-bert");
    window.click("runs-ask");
    window.says("runs-count", "One file");
    if with_torch.is_none() {
        window.click("runs-trust");
    }
    window.click("runs-run");
    window.until_within(Duration::from_secs(600), "an end of the run", |window| {
        window.text("trials-told").contains("1 of 1 run").then_some(())
    });
    window.says("trials-told", "1 passed");
    window.says("proof-bert-cpu", "passed");
    window.picture("runs-6-benchmark");
    window.click("nav-matrix");
    window.says("matrix", "PyTorch");
    window.says("matrix", "ms");
    window.picture("runs-7-matrix");
}

#[test]
fn a_changed_template_asks_for_trust_before_it_runs() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "test.py", "BATCH = 2");
    window.press("  # mine");
    window.click("template-save");
    window.click("save-version");
    window.says("template-state", "version 2");
    window.click("part-run");
    window.click("python-own-show");
    window.type_into("python-own", "python3");
    window.click("choose-aimv2");
    window.click("runs-ask");
    window.says("runs-foreign", "test.py");
    window.until("no run without trust", |window| (window.count("[data-testid=runs-run]:disabled") == 1).then_some(()));
    window.picture("runs-trust");
    window.click("runs-trust");
    window.until("a run with trust", |window| (window.count("[data-testid=runs-run]:disabled") == 0).then_some(()));
}

#[test]
fn an_older_version_is_looked_at_and_restored() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "base.py", "SEED = {{ seed }}");
    window.press("  # another");
    wait_until_kept(&window, "base.py");
    window.click("template-save");
    window.type_into("save-note", "A comment");
    window.click("save-version");
    window.says("template-state", "version 2");
    window.click("side-history");
    window.click("compare-1");
    window.says("side-by-side", "# another");
    window.picture("templates-history-1-compare");
    leave_comparison(&window);
    window.click("restore-1");
    window.says("template-state", "version 3");
    // The list is drawn anew: version 2 is in use no longer.
    window.wait("restore-2");
    window.click("compare-2");
    window.says("side-by-side", "# another");
    leave_comparison(&window);
    window.picture("templates-history-2-restored");
    window.click("side-parents");
    window.says("parents", "skill.py");
    window.picture("templates-history-3-parents");
}

/// Escape goes to what has the focus, which a dialog that is just being drawn may not have yet.
fn leave_comparison(window: &Window) {
    window.until("the comparison to be gone", |window| {
        window.press(keys::ESCAPE);
        (window.count("[data-testid=side-by-side]") == 0).then_some(())
    });
}

#[test]
fn a_hostile_template_is_refused_with_its_line_and_the_window_goes_on() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "test.py", "BATCH = 2");
    window.press("{% for a in range(9999) %}{% for b in range(9999) %}ha{% endfor %}{% endfor %}");
    window.says("preview-refused", "steps");
    let said = window.text("preview-refused");
    assert!(said.contains("test.py") && said.contains("line "), "{said}");
    window.says("template-problems", "nothing can be made with it");
    window.picture("templates-hostile");
    window.click("template-discard");
    window.says("preview", "BATCH = 2");
    window.until("no refusal", |window| (window.count("[data-testid=preview-refused]") == 0).then_some(()));
}

#[test]
fn what_was_typed_survives_a_crash() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    open_at(&window, "skill.py", "kind = \"skill\"");
    window.press("\n# typed before the crash");
    wait_until_kept(&window, "skill.py");
    // Dropping it kills the program.
    drop(window);
    let window = started(data.path());
    window.click("nav-templates");
    window.click("template-skill.py");
    window.says("editor-text", "# typed before the crash");
    window.picture("templates-after-a-crash");
}

#[test]
fn the_page_has_its_pictures_in_both_sizes_and_themes() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = started(data.path());
    for (theme, width, height) in [("light", 1280, 800), ("dark", 1280, 800), ("light", 900, 600), ("dark", 900, 600)] {
        window.resize(width, height);
        window.press(&format!("{}k", keys::CONTROL));
        window.click(&format!("action-theme-{theme}"));
        window.click("nav-templates");
        window.says("preview", "llama");
        for side in ["preview", "values", "parents", "history", "impact"] {
            window.click(&format!("side-{side}"));
            window.picture(&format!("templates-{side}-{theme}-{width}"));
        }
        window.click("side-preview");
        window.click("part-run");
        window.says("runs-told", "not checked yet");
        window.picture(&format!("runs-{theme}-{width}"));
        window.click("choose-aimv2");
        window.click("runs-ask");
        window.says("runs-listed-text", "def ");
        window.picture(&format!("runs-consent-{theme}-{width}"));
        window.press(keys::ESCAPE);
        window.click("choose-aimv2");
        window.click("proof-aimv2-cpu");
        window.says("runs-file-told", "neither made nor run");
        window.picture(&format!("runs-file-{theme}-{width}"));
        window.click("drawer-close");
        window.click("part-write");
    }
}
