//! Templates: versions, updates of the app, and what each version declares and needs.

use contract::*;
use store::{Store, StoreError};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("assay.duckdb")).unwrap();
    (folder, store)
}

fn draft(name: &str, text: &str) -> TemplateDraft {
    TemplateDraft {
        name: name.into(),
        text: text.into(),
        kind: "test".into(),
        variables: vec![TemplateVariable {
            name: "batch".into(),
            kind: "integer".into(),
            default: 2.into(),
            allowed: vec![2.into(), 4.into()],
            help: "Samples".into(),
        }],
        helpers: vec!["finite".into()],
        needs: vec![TemplateNeed { name: "base.py".into(), how: "extends".into() }],
        problems: vec![TemplateProblem {
            template: name.into(),
            line: Some(3),
            column: None,
            reason: "x is not defined".into(),
            remedy: "Define it".into(),
        }],
    }
}

fn ship(store: &Store, texts: &[(&str, &str)]) {
    let texts: Vec<(String, &str)> = texts.iter().map(|(name, text)| ((*name).to_owned(), *text)).collect();
    store.take_shipped_templates(&texts, draft, "Assay 1").unwrap();
}

fn save(store: &Store, text: &str, origin: VersionOrigin) -> u32 {
    store.save_template(&draft("test.py", text), origin, "a note", "Ada").unwrap()
}

fn stored(store: &Store) -> StoredTemplate {
    store.templates().unwrap().into_iter().find(|template| template.name == "test.py").unwrap()
}

#[test]
fn a_template_that_nobody_edited_follows_an_update() {
    let (_folder, store) = store();
    ship(&store, &[("base.py", "b"), ("test.py", "one")]);
    ship(&store, &[("base.py", "b"), ("test.py", "one")]);
    assert_eq!(store.template_history("test.py").unwrap().len(), 1, "what is the same is not kept twice");
    ship(&store, &[("test.py", "two")]);
    let template = stored(&store);
    assert_eq!((template.text.as_str(), template.version, template.edited), ("two", 2, false));
    assert_eq!(template.offered, None);
    assert_eq!(store.templates().unwrap().len(), 1, "what no longer ships is gone");
    ship(&store, &[("base.py", "b"), ("test.py", "two")]);
    assert_eq!(store.templates().unwrap().len(), 2);
}

#[test]
fn an_edited_template_survives_an_update_and_a_merge_is_offered() {
    let (_folder, store) = store();
    ship(&store, &[("test.py", "one")]);
    assert_eq!(save(&store, "mine", VersionOrigin::Saved), 2);
    ship(&store, &[("test.py", "two")]);
    let template = stored(&store);
    assert_eq!((template.text.as_str(), template.version, template.edited), ("mine", 2, true));
    assert_eq!(template.offered, Some(3));
    let offer = store.template_offer("test.py").unwrap().unwrap();
    assert_eq!((offer.base.as_str(), offer.ours.as_str(), offer.offered.as_str()), ("one", "mine", "two"));

    save(&store, "mine and two", VersionOrigin::Merged);
    assert_eq!(stored(&store).offered, None);
    ship(&store, &[("test.py", "two")]);
    assert_eq!(stored(&store).offered, None, "what was merged is not offered again");
    ship(&store, &[("test.py", "three")]);
    let offer = store.template_offer("test.py").unwrap().unwrap();
    assert_eq!((offer.base.as_str(), offer.ours.as_str(), offer.offered.as_str()), ("two", "mine and two", "three"));
}

#[test]
fn each_version_keeps_its_note_author_and_tag() {
    let (_folder, store) = store();
    ship(&store, &[("test.py", "one")]);
    save(&store, "mine", VersionOrigin::Saved);
    store.tag_template("test.py", 2, true).unwrap();
    save(&store, "one", VersionOrigin::Restored);
    let history = store.template_history("test.py").unwrap();
    let told: Vec<_> = history.iter().map(|v| (v.number, v.text.as_str(), v.author.as_str(), v.released)).collect();
    assert_eq!(told, [(3, "one", "Ada", false), (2, "mine", "Ada", true), (1, "one", "Assay", false)]);
    assert_eq!((stored(&store).released, history[1].note.as_str()), (Some(2), "a note"));
    store.tag_template("test.py", 2, false).unwrap();
    assert_eq!(stored(&store).released, None);
    assert!(matches!(store.tag_template("test.py", 9, true), Err(StoreError::NoTemplate(_))));
    assert!(matches!(store.template_history("lost.py"), Err(StoreError::NoTemplate(_))));
}

#[test]
fn what_a_version_declares_and_needs_can_be_asked() {
    let (_folder, store) = store();
    ship(&store, &[("base.py", "b"), ("test.py", "one")]);
    let sql = "SELECT t.name, d.how, n.number AS needed, x.name AS variable, h.name AS helper, w.line
               FROM template_versions v JOIN templates t ON t.key = v.template
               JOIN template_dependencies d ON d.version = v.key JOIN template_versions n ON n.key = d.needed
               JOIN template_variables x ON x.version = v.key JOIN template_helpers h ON h.version = v.key
               JOIN template_validations w ON w.version = v.key WHERE t.name = 'test.py'";
    let row = serde_json::json!([{
        "name": "test.py", "how": "extends", "needed": 1, "variable": "batch", "helper": "finite", "line": 3
    }]);
    assert_eq!(store.query(sql).unwrap(), row);
}

#[test]
fn a_text_that_only_claims_to_have_come_with_assay_is_put_out_of_use() {
    let (_folder, store) = store();
    ship(&store, &[("test.py", "hostile")]);
    save(&store, "one", VersionOrigin::Offered);
    assert_eq!(stored(&store).text, "hostile", "what is offered is not in use");
    ship(&store, &[("test.py", "one")]);
    let template = stored(&store);
    assert_eq!((template.text.as_str(), template.version, template.edited), ("one", 3, false));
}
