//! The workflow files, read strictly: a mistyped key or a job that is not there would only show on the server.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;
use serde_yaml_ng::Value;

use crate::{
    error::{Step, StepError},
    places::Places,
};

/// The keys that our workflows use; any other one is taken for a typing error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "on")]
    _on: Value,
    permissions: BTreeMap<String, String>,
    #[serde(rename = "concurrency", default)]
    _concurrency: Option<Value>,
    #[serde(rename = "env", default)]
    _env: BTreeMap<String, String>,
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Job {
    #[serde(rename = "name", default)]
    _name: Option<String>,
    runs_on: String,
    #[serde(default)]
    strategy: Option<Strategy>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(rename = "if", default)]
    _condition: Option<String>,
    timeout_minutes: u32,
    #[serde(rename = "env", default)]
    _env: BTreeMap<String, String>,
    steps: Vec<WorkflowStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Strategy {
    #[serde(rename = "fail-fast")]
    _fail_fast: bool,
    matrix: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowStep {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    uses: Option<String>,
    #[serde(default)]
    run: Option<String>,
    #[serde(rename = "with", default)]
    _with: BTreeMap<String, Value>,
    #[serde(rename = "env", default)]
    _env: BTreeMap<String, String>,
    #[serde(rename = "if", default)]
    _condition: Option<String>,
    #[serde(rename = "shell", default)]
    _shell: Option<String>,
}

pub fn check(places: &Places) -> Step {
    let folder = places.root.join(".github/workflows");
    let mut findings = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).map_err(StepError::file("read the folder", &folder))? {
        let path = entry.map_err(StepError::file("read the folder", &folder))?.path();
        let text = fs::read_to_string(&path).map_err(StepError::file("read", &path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        findings.extend(faults(&text).into_iter().map(|fault| format!("{name}: {fault}")));
        count += 1;
    }
    println!("{count} workflow files read");
    if findings.is_empty() { Ok(()) } else { Err(StepError::Findings { check: "workflow files are wrong", findings }) }
}

fn faults(text: &str) -> Vec<String> {
    let workflow: Workflow = match serde_yaml_ng::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = Vec::new();
    for (scope, access) in &workflow.permissions {
        if !["read", "write", "none"].contains(&access.as_str()) {
            faults.push(format!("the permission {scope} is {access}, not read, write or none"));
        }
    }
    for (id, job) in &workflow.jobs {
        for needed in job.needs.iter().filter(|needed| !workflow.jobs.contains_key(*needed)) {
            faults.push(format!("job {id} needs {needed}, which is not there"));
        }
        if job.timeout_minutes == 0 {
            faults.push(format!("job {id} has no time to run"));
        }
        if let Some(used) = matrix_key(&job.runs_on)
            && !job.strategy.as_ref().is_some_and(|strategy| strategy.matrix.contains_key(used))
        {
            faults.push(format!("job {id} runs on matrix.{used}, which its matrix does not have"));
        }
        for (number, step) in job.steps.iter().enumerate() {
            let name = step.name.clone().unwrap_or_else(|| format!("number {}", number + 1));
            match (&step.uses, &step.run) {
                (Some(action), None) if !action.contains('@') => {
                    faults.push(format!("job {id}, step {name}: {action} names no version"));
                }
                (Some(_), None) | (None, Some(_)) => {}
                _ => faults.push(format!("job {id}, step {name}: exactly one of `uses` and `run`")),
            }
        }
    }
    faults
}

/// `os` of `${{ matrix.os }}`.
fn matrix_key(expression: &str) -> Option<&str> {
    expression.strip_prefix("${{ matrix.")?.strip_suffix(" }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
name: test
on: [push]
permissions: { contents: read }
jobs:
  test:
    runs-on: ${{ matrix.os }}
    timeout-minutes: 60
    strategy:
      fail-fast: false
      matrix: { os: [ubuntu-24.04] }
    steps:
      - uses: actions/checkout@v5
      - run: cargo xtask test
";

    #[test]
    fn a_right_workflow_has_no_fault() {
        assert_eq!(faults(GOOD), Vec::<String>::new());
    }

    #[test]
    fn a_mistyped_key_is_named() {
        let found = faults(&GOOD.replace("timeout-minutes", "timeout-minute"));
        assert!(found[0].contains("timeout-minute"), "{found:?}");
    }

    #[test]
    fn an_unknown_matrix_key_and_an_unpinned_action_are_named() {
        let found = faults(&GOOD.replace("matrix.os", "matrix.system").replace("checkout@v5", "checkout"));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
