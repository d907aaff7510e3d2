//! What `cargo metadata` says about the workspace, as far as the checks ask.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use crate::{cargo::cargo, error::StepError, places::Places, process::output};

#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_members: Vec<String>,
    pub resolve: Resolve,
}

#[derive(Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub manifest_path: PathBuf,
}

#[derive(Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

#[derive(Deserialize)]
pub struct Node {
    pub id: String,
    pub deps: Vec<Dependency>,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub pkg: String,
    pub dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
pub struct DependencyKind {
    /// None for an ordinary dependency, else "dev" or "build".
    pub kind: Option<String>,
}

impl Metadata {
    /// Reads the locked graph of all systems. Needs no network once the dependencies are there.
    pub fn read(places: &Places) -> Result<Self, StepError> {
        let text = output(cargo(places).args(["metadata", "--format-version", "1", "--locked", "--all-features"]))?;
        serde_json::from_str(&text).map_err(|source| StepError::Output { command: "cargo metadata".to_owned(), source })
    }

    pub fn by_id(&self) -> BTreeMap<&str, &Package> {
        self.packages.iter().map(|package| (package.id.as_str(), package)).collect()
    }

    /// Direct dependencies of one package, of the kinds that `wanted` accepts.
    pub fn dependencies<'a>(&'a self, id: &str, wanted: impl Fn(Option<&str>) -> bool) -> Vec<&'a str> {
        let node = self.resolve.nodes.iter().find(|node| node.id == id);
        node.into_iter()
            .flat_map(|node| &node.deps)
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| wanted(kind.kind.as_deref())))
            .map(|dependency| dependency.pkg.as_str())
            .collect()
    }
}
