//! `assay describe`: what a model is and what it costs, without running it.

use super::{
    named::{AtSizes, Named},
    output::{Output, Stop},
};
use crate::describe::describe;
use clap::Args;
use contract::{CostPhase, LOADED_TWICE, ModelDescription, PrecisionMemory, dim_text};

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

impl Describe {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let model = self.model.open()?;
        let sizes = model.dims_for(self.at.batch, self.at.length, &self.at.dims.iter().cloned().collect())?;
        let described = describe(&model, sizes)?;
        if self.json { output.json(&described) } else { output.lines(lines(&described)) }
    }
}

fn lines(described: &ModelDescription) -> Vec<String> {
    let count = |value: Option<u64>| value.map_or("not known".to_owned(), |value| value.to_string());
    let class = described.class.as_ref().map_or(String::new(), |class| format!(", {class}"));
    let family = described.family.map_or(String::new(), |family| format!(", {}", family.key()));
    let sizes: Vec<String> = described.sizes.iter().map(|(name, size)| dim_text(name, size)).collect();
    let mut lines = vec![
        format!("{} ({}{class}{family})", described.name, described.model_type),
        described.about.clone(),
        String::new(),
        format!("{:<24}{:>18}", "Parameters", count(described.parameters)),
        format!("{:<24}{:>18}  at {}", "Multiply-accumulates", count(described.macs), sizes.join(", ")),
        format!("{:<24}{:>18}", "Activations", count(described.activations)),
    ];
    lines.extend(described.per_sample.map(|sample| format!("{:<24}{:>18}", "One sample", sample.told())));
    if let Some(work) = &described.generation {
        lines.push(format!("{:<24}{:>18}  at length {}", "  of the prompt", count(work.prefill_macs), work.tokens));
        lines.push(format!("{:<24}{:>18}", "  of the next token", count(work.decode_macs)));
    }
    lines.extend(described.experts.map(|experts| format!("{}.", experts.told())));
    let titles = ["Phase", "Precision", "Weights, MB", "Activations, MB", "Cache, MB", "In all, MB", "On disk, MB"];
    lines.extend([String::new(), row(titles.map(str::to_owned))]);
    lines.extend(described.memory.iter().flat_map(memory_rows));
    if described.memory.iter().any(|memory| memory.phase_bytes(CostPhase::Generation).is_some()) {
        lines.push(format!("{LOADED_TWICE}."));
    }
    let operators: Vec<String> = described.operators.iter().map(|(op, count)| format!("{op} {count}")).collect();
    lines.extend([String::new(), format!("Operators: {}", operators.join(", "))]);
    lines
}

fn memory_rows(memory: &PrecisionMemory) -> impl Iterator<Item = String> {
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    memory.phases.iter().map(move |phase| {
        let name = match phase.phase {
            CostPhase::Run => "one call",
            CostPhase::Prefill => "prompt",
            CostPhase::Decode => "next token",
            CostPhase::Generation => "both at once",
        };
        let bytes = [phase.weight_bytes(), phase.activation_bytes, phase.cache_bytes, phase.total_bytes];
        let [weights, activations, cache, total] = bytes.map(mb);
        let precision = memory.precision.label().to_owned();
        row([name.to_owned(), precision, weights, activations, cache, total, mb(memory.disk_bytes)])
    })
}

fn row([phase, precision, figures @ ..]: [String; 7]) -> String {
    let figures: String = figures.iter().map(|figure| format!("{figure:>16}")).collect();
    format!("{phase:<14}{precision:<10}{figures}")
}
