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
    window.says("generated", "3 files were written");
    window.picture("templates-9-generated");
    for model in ["bert", "llama", "vit"] {
        let text = fs::read_to_string(out.join(format!("tests/test_{model}_cpu.py"))).unwrap();
        assert!(text.contains(&format!("BATCH = 2  # {model}")), "{model}");
    }
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
    window.press(keys::ESCAPE);
    window.click("restore-1");
    window.says("template-state", "version 3");
    window.click("compare-2");
    window.says("side-by-side", "# another");
    window.press(keys::ESCAPE);
    window.picture("templates-history-2-restored");
    window.click("side-parents");
    window.says("parents", "skill.py");
    window.picture("templates-history-3-parents");
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
    }
}
