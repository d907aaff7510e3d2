//! Templates, listed, checked, rendered and kept.

use crate::shell::Shell;
use std::fs;

const TEMPLATE: &str = "---
kind = \"test\"
about = \"A template of this test.\"
model_type = \"bert\"

[variables.batch]
type = \"integer\"
default = 2
help = \"Samples run at once\"
---
model_type = {{ model.model_type | py }}
batch = {{ batch }}
";

#[test]
fn templates_of_a_folder_are_checked_rendered_and_generated() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("mine/test")).unwrap();
    fs::write(shell.path("mine/test/bert.py"), TEMPLATE).unwrap();
    let mine = ["--templates", "mine"];
    let listed = shell.json(&[&["template", "list", "--json"], &mine[..]].concat());
    assert!(listed.as_array().unwrap().iter().any(|row| row["name"] == "test/bert.py"), "{listed}");
    let sound = shell.run(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stdout));
    let render = [&["template", "render", "--model", "bert", "--set", "batch=4", "--json"], &mine[..]].concat();
    let rendered = shell.json(&render);
    assert_eq!(rendered["text"], "model_type = \"bert\"\nbatch = 4\n");
    assert_eq!(rendered["origin"][1], serde_json::json!(["test/bert.py", 12]));
    let wrong = [&["template", "render", "--model", "bert", "--set", "batch=many"], &mine[..]].concat();
    assert!(shell.fails(&wrong).1.contains("many is not a whole number"));

    let generate = ["generate", "--models", "bert", "--platforms", "cpu", "--kinds", "test", "--out", "out", "--json"];
    let written = shell.json(&[&generate, &mine[..]].concat());
    assert_eq!(written["files"], serde_json::json!(["tests/test_bert_cpu.py"]));
    assert!(shell.path("out/conftest.py").exists() && shell.path("out/README.md").exists());
    let again = shell.fails(&[&generate, &mine[..]].concat());
    assert!(again.1.contains("the folder is not empty"), "{}", again.1);

    let in_itself = "{% set ns = namespace() %}{% set ns.x = ns %}{{ \"\" ~ ns }}";
    fs::write(shell.path("mine/test/bert.py"), TEMPLATE.replace("{{ batch }}", in_itself)).unwrap();
    let (code, said) = shell.fails(&render);
    assert!(code == 1 && said.contains("making tests/test_bert_cpu.py takes too much time or memory"), "{said}");

    fs::write(shell.path("mine/test/bert.py"), TEMPLATE.replace("{{ batch }}", "{{ bath }}")).unwrap();
    let (code, _) = shell.fails(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert_eq!(code, 1);
    let told = shell.run(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert!(String::from_utf8_lossy(&told.stdout).contains("test/bert.py, line 12, column 12: bath is not a variable"));
}

#[test]
fn a_store_keeps_each_version_of_a_template() {
    let shell = Shell::new();
    fs::write(shell.path("one.py"), TEMPLATE).unwrap();
    fs::write(shell.path("two.py"), TEMPLATE.replace("default = 2", "default = 3")).unwrap();
    let store = ["--store", "a.duckdb"];
    let act = |act: &[&str]| {
        let output = shell.run(&[&["template"], act, &store[..]].concat());
        assert!(output.status.success(), "{act:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(act(&["save", "mine/bert.py", "one.py", "--note", "first"]), "mine/bert.py: version 1\n");
    assert_eq!(act(&["save", "mine/bert.py", "two.py"]), "mine/bert.py: version 2\n");
    assert_eq!(act(&["diff", "mine/bert.py", "1", "2"]), "- default = 2\n+ default = 3\n");
    act(&["tag", "mine/bert.py", "2"]);
    assert_eq!(act(&["restore", "mine/bert.py", "1"]), "mine/bert.py: version 3\n");
    let history = act(&["history", "mine/bert.py"]);
    let lines: Vec<&str> = history.lines().collect();
    assert!(lines[0].contains("Restored by You: Version 1 again"), "{history}");
    assert!(lines[1].contains("released") && lines[2].contains("Saved by You: first"), "{history}");
    assert!(act(&["render", "--model", "bert"]).contains("batch = 2"));
    assert_eq!(act(&["merge", "mine/bert.py"]), "mine/bert.py: no update is offered\n");
    let refused = shell.fails(&["template", "save", "../out.py", "one.py", "--store", "a.duckdb"]);
    assert!(refused.1.contains("it is not a name for a template"), "{}", refused.1);
}
