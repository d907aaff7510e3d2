//! What is wrong in rendered Python, at the place in the template that made it.

use contract::Platform;
use std::{collections::BTreeMap, sync::atomic::AtomicBool};
use workbench::{Here, Kind, Library, Request, Selection, check_rendered, generate, render};

/// What is said of a test whose body is in this block.
fn said(block: &str) -> Vec<String> {
    let base = "---\nkind = \"base\"\n---\nimport os\n\n{% block body %}\n{% endblock %}\nprint(os)\n";
    let test =
        format!("---\nkind = \"test\"\nextends = \"base.py\"\n---\n{{% block body %}}\n{block}{{% endblock %}}\n");
    let library = Library::new([("base.py".to_owned(), base.to_owned()), ("test.py".to_owned(), test)]);
    let (model_type, platform, kind) = ("bert".to_owned(), Platform::Cpu, Kind::Test);
    let rendered = render(&library, &Request { model_type, platform, kind, variables: BTreeMap::new() }).unwrap();
    check_rendered(&rendered, &library).iter().map(ToString::to_string).collect()
}

#[test]
fn broken_indentation_is_told_at_its_line() {
    assert_eq!(said("def test_a():\n    assert os.sep\n"), [""; 0]);
    let said = said("def test_a():\n    assert os.sep\n  assert os.name\n");
    assert!(said[0].starts_with("test.py, line 8") && said[0].contains("not Python: "), "{said:?}");
}

#[test]
fn a_mistake_in_written_text_has_its_column_and_one_in_a_computed_value_its_line() {
    let written = said("size = os.path)\n");
    assert!(written[0].starts_with("test.py, line 6, column 15: not Python: "), "{written:?}");
    let after = said("size = {{ 1 + 1 }} + * 2\n");
    assert!(after[0].starts_with("test.py, line 6, column 22: not Python: "), "{after:?}");
    let computed = said("size = 1\nsize = {{ \")\" }}\n");
    assert!(computed[0].starts_with("test.py, line 7: not Python: "), "{computed:?}");
}

#[test]
fn a_blind_test_is_told_where_it_is_written() {
    let blind = said("def test_a():\n    x = os.sep\n    assert (x == \"/\", \"wrong\")\n");
    assert_eq!(blind.len(), 1, "{blind:?}");
    assert!(blind[0].starts_with("test.py, line 8, column 5: this assertion cannot fail"), "{blind:?}");
    // Made twice, told once.
    let hidden = said("{% for turn in [1, 2, 3] %}\ndef test_a():\n    assert os.sep\n{% endfor %}\n");
    assert_eq!(hidden.len(), 1, "{hidden:?}");
    assert!(hidden[0].starts_with("test.py, line 7, column 5: test_a is defined a second time"), "{hidden:?}");
    assert!(said("print({{ model.module }})\n")[0].starts_with("test.py, line 6: bert is used, and nothing"));
}

/// With what a person may set in place of the defaults.
#[test]
fn what_ships_is_sound_with_other_values_too() {
    let types = ["llama", "bert", "t5", "vit", "whisper", "llava", "mamba", "clip", "vits", "deformable_detr"];
    let values = [("checkpoint", serde_json::json!("some/folder")), ("precision", "bf16".into()), ("seed", 3.into())];
    let mut unsound = Vec::new();
    for (name, value) in values {
        let selection = Selection {
            model_types: types.map(str::to_owned).to_vec(),
            platforms: Platform::LISTED.to_vec(),
            kinds: vec![Kind::Test, Kind::Skill, Kind::Benchmark],
            variables: BTreeMap::from([(name.to_owned(), value)]),
        };
        generate(Here::default, Library::shipped(), &selection, &AtomicBool::new(false), |file| {
            if !file.is_sound() {
                unsound.push((file.request, file.outcome.err(), file.problems));
            }
        });
    }
    assert!(unsound.is_empty(), "{}: {:#?}", unsound.len(), &unsound[..unsound.len().min(5)]);
}
