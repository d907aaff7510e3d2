//! `assay describe`: what a model is and what it costs, without running it.

use super::{
    named::{AtSizes, Named},
    output::{Output, Stop},
};
use clap::Args;
use contract::{Precision, ValueSpec};
use models::{Model, ModelError};
use serde::Serialize;
use std::collections::BTreeMap;

/// Say what a model is and what it costs: parameters, multiply-accumulates, memory.
///
/// Nothing is run, and no weights are made: every number follows from the graph.
#[derive(Args)]
pub struct Describe {
    #[command(flatten)]
    model: Named,
    #[command(flatten)]
    at: AtSizes,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    /// In the words of transformers; `onnx` for an ONNX file.
    #[serde(rename = "type")]
    model_type: &'a str,
    class: Option<&'static str>,
    about: &'a str,
    parameters: Option<u64>,
    random_weights: bool,
    graph_hash: &'a str,
    inputs: &'a [ValueSpec],
    outputs: &'a [ValueSpec],
    /// What the numbers below are for.
    sizes: BTreeMap<String, u64>,
    /// Multiply-accumulates of one call; none where an operator's are not known.
    macs: Option<u64>,
    /// Numbers in all intermediate results.
    activations: Option<u64>,
    memory: Vec<Memory>,
    operators: BTreeMap<&'a str, u32>,
}

/// The least that each phase needs; engines add buffers of their own.
#[derive(Serialize)]
struct Memory {
    precision: Precision,
    weight_bytes: u64,
    /// The weights alone.
    load_bytes: u64,
    /// The weights and the largest sum of results that live at the same time.
    run_bytes: u64,
    /// Bytes that `assay build` writes.
    disk_bytes: u64,
}

impl Describe {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let model = self.model.open()?;
        let info = model.info();
        let sizes = model.dims_for(self.at.batch, self.at.length, &self.at.dims.iter().cloned().collect())?;
        let costs = model.costs(&sizes)?;
        let described = Described {
            name: &info.name,
            model_type: &info.family,
            class: model.class(),
            about: &info.about,
            parameters: info.parameters,
            random_weights: info.random_weights,
            graph_hash: &info.graph_hash,
            inputs: &info.inputs,
            outputs: &info.outputs,
            macs: costs.macs,
            activations: costs.activations,
            memory: info
                .precisions
                .iter()
                .map(|precision| memory(&model, *precision, &sizes))
                .collect::<Result<_, ModelError>>()?,
            operators: info.operators.iter().map(|(op, count)| (op.as_str(), *count)).collect(),
            sizes,
        };
        if self.json { output.json(&described) } else { output.lines(lines(&described)) }
    }
}

fn memory(model: &Model, precision: Precision, sizes: &BTreeMap<String, u64>) -> Result<Memory, ModelError> {
    let costs = model.costs_in(precision, sizes)?;
    Ok(Memory {
        precision,
        weight_bytes: costs.weight_bytes,
        load_bytes: costs.weight_bytes,
        run_bytes: costs.peak_memory_bytes,
        disk_bytes: model.disk_bytes(precision),
    })
}

fn lines(described: &Described) -> Vec<String> {
    let count = |value: Option<u64>| value.map_or("not known".to_owned(), |value| value.to_string());
    let class = described.class.map_or(String::new(), |class| format!(", {class}"));
    let sizes: Vec<String> = described.sizes.iter().map(|(name, size)| format!("{name} {size}")).collect();
    let mut lines = vec![
        format!("{} ({}{class})", described.name, described.model_type),
        described.about.to_owned(),
        String::new(),
        format!("{:<24}{:>18}", "Parameters", count(described.parameters)),
        format!("{:<24}{:>18}  at {}", "Multiply-accumulates", count(described.macs), sizes.join(", ")),
        format!("{:<24}{:>18}", "Activations", count(described.activations)),
        String::new(),
        format!("{:<10}{:>16}{:>18}{:>16}", "Precision", "Loaded, MB", "While running, MB", "On disk, MB"),
    ];
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    lines.extend(described.memory.iter().map(|memory| {
        let [load, run, disk] = [memory.load_bytes, memory.run_bytes, memory.disk_bytes].map(mb);
        format!("{:<10}{load:>16}{run:>18}{disk:>16}", memory.precision.label())
    }));
    let operators: Vec<String> = described.operators.iter().map(|(op, count)| format!("{op} {count}")).collect();
    lines.push(String::new());
    lines.push(format!("Operators: {}", operators.join(", ")));
    lines
}
