//! Checking a suite: a plan of Assay's own in JSON.

use crate::{Library, Problem, Rendered};
use contract::Suite;

/// What is wrong in a rendered suite, at the line of the template that made it.
pub(crate) fn check_suite(rendered: &Rendered, library: &Library) -> Vec<Problem> {
    let Err(error) = serde_json::from_str::<Suite>(&rendered.text) else { return Vec::new() };
    let before = rendered.text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let at = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let reason = format!("not a suite: {error}");
    let remedy = "Write what Assay's launcher reads: the fields of a suite as JSON";
    vec![rendered.problem(at, reason, remedy, library)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Request, render};
    use contract::Platform;
    use std::collections::BTreeMap;

    fn problems(batches: &str) -> Vec<String> {
        let text = format!(
            "---\nkind = \"suite\"\n---\n{{\n\"kind\": \"assay-suite\", \"model_type\": \"bert\", \"config\": {{}},\n\"platform\": {{{{ platform.key | json }}}}, \"precisions\": [\"f32\"], \"mode\": \"inference\",\n\"batches\": {batches},\n\"seed\": 7, \"budget_secs\": 20.0\n}}\n"
        );
        let library = Library::new([("suite.json".to_owned(), text)]);
        let (model_type, platform, kind) = ("bert".into(), Platform::WebGpu, Kind::Suite);
        let rendered = render(&library, &Request { model_type, platform, kind, variables: BTreeMap::new() }).unwrap();
        check_suite(&rendered, &library).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_suite_that_the_launcher_cannot_read_is_told_at_its_line() {
        assert_eq!(problems("[1, 4]"), [""; 0]);
        assert!(problems("[1, \"four\"]")[0].starts_with("suite.json, line 7"), "{:?}", problems("[1, \"four\"]"));
        assert!(problems("[1")[0].contains("not a suite"));
    }
}
