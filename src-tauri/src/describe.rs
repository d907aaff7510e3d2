//! What a model is and what it costs: every number follows from its graph, nothing is run.

use contract::{CostPhase, GenerationWork, ModelDescription, PhaseMemory, Precision, PrecisionMemory};
use models::{Costs, Generation, Model, ModelError, transformers};
use std::{collections::BTreeMap, thread};

/// Every free size of the inputs, by name.
pub type Sizes = BTreeMap<String, u64>;

pub fn describe(model: &Model, sizes: Sizes) -> Result<ModelDescription, ModelError> {
    let info = model.info();
    let costs = model.costs(&sizes)?;
    let generating = Generating::of(model, &sizes)?;
    let memory = memories(model, generating.as_ref(), &sizes)?;
    let family = transformers::find(&info.family).map(workbench::family_of);
    Ok(ModelDescription {
        name: info.name.clone(),
        model_type: info.family.clone(),
        class: model.class().map(str::to_owned),
        family: family.as_ref().map(|(family, _)| *family),
        family_reason: family.map(|(_, reason)| reason),
        about: info.about.clone(),
        parameters: info.parameters,
        random_weights: info.random_weights,
        graph_hash: info.graph_hash.clone(),
        inputs: info.inputs.clone(),
        outputs: info.outputs.clone(),
        dims: info.dims.clone(),
        macs: costs.macs,
        activations: costs.activations,
        generation: generating.as_ref().map(Generating::work).transpose()?,
        memory,
        operators: info.operators.iter().cloned().collect(),
        operator_macs: operator_macs(model, &costs),
        sizes,
    })
}

fn operator_macs(model: &Model, costs: &Costs) -> BTreeMap<String, u64> {
    let mut macs = BTreeMap::new();
    for node in &model.graph().nodes {
        if let Some(own) = costs.node_macs.get(&node.name) {
            *macs.entry(node.op.clone()).or_default() += own;
        }
    }
    macs
}

/// In every precision the model can be had in, each drawn on a thread of its own so that typing is followed.
fn memories(model: &Model, generating: Option<&Generating>, sizes: &Sizes) -> Result<Vec<PrecisionMemory>, ModelError> {
    thread::scope(|scope| {
        let drawn = model.info().precisions.iter();
        let drawn: Vec<_> =
            drawn.map(|precision| scope.spawn(|| memory(model, generating, *precision, sizes))).collect();
        drawn.into_iter().map(|memory| memory.join().expect("drawing a graph does not panic")).collect()
    })
}

fn memory(
    model: &Model,
    generating: Option<&Generating>,
    precision: Precision,
    sizes: &Sizes,
) -> Result<PrecisionMemory, ModelError> {
    let run = model.costs_in(precision, sizes)?;
    let mut phases = vec![phase(CostPhase::Run, &run, 0)];
    if let Some(generating) = generating {
        phases.extend(generating.memory(precision)?);
    }
    Ok(PrecisionMemory { precision, weight_bytes: run.weight_bytes, disk_bytes: model.disk_bytes(precision), phases })
}

fn phase(phase: CostPhase, costs: &Costs, cache_bytes: u64) -> PhaseMemory {
    let total_bytes = costs.peak_memory_bytes;
    let activation_bytes = total_bytes.saturating_sub(costs.weight_bytes).saturating_sub(cache_bytes);
    PhaseMemory { phase, activation_bytes, cache_bytes, total_bytes }
}

/// The two stages of generating text, after a prompt as long as the text that the whole model reads.
struct Generating {
    stages: Generation,
    prompt: Sizes,
    /// Before the next token.
    context: Sizes,
    texts: u64,
    tokens: u64,
}

impl Generating {
    fn of(model: &Model, sizes: &Sizes) -> Result<Option<Self>, ModelError> {
        let (Some(stages), Some(tokens)) = (model.generation()?, sizes.get("sequence").copied()) else {
            return Ok(None);
        };
        let texts = sizes.get("batch").copied().unwrap_or(1);
        // The last place of the longest text is the next token's.
        let most = stages.decode.info().dims.iter().filter_map(|dim| dim.max).min();
        let read = tokens.min(most.map_or(tokens, u64::from));
        let at = |stage: &Model, tokens: u64| stage.dims_for(texts as u32, Some(tokens as u32), &BTreeMap::new());
        let (prompt, context) = (at(&stages.prefill, tokens)?, at(&stages.decode, read)?);
        Ok(Some(Self { prompt, context, texts, tokens, stages }))
    }

    fn work(&self) -> Result<GenerationWork, ModelError> {
        Ok(GenerationWork {
            tokens: self.tokens,
            prefill_macs: self.stages.prefill.costs(&self.prompt)?.macs,
            decode_macs: self.stages.decode.costs(&self.context)?.macs,
        })
    }

    fn memory(&self, precision: Precision) -> Result<[PhaseMemory; 2], ModelError> {
        // Quantised weights multiply f32 results, and the cache is made of those.
        let kept_in = if precision.is_quantised() { Precision::F32 } else { precision };
        let cache = self.stages.cache_bytes(self.texts, self.tokens, u64::from(kept_in.bits()) / 8);
        let prefill = self.stages.prefill.costs_in(precision, &self.prompt)?;
        let decode = self.stages.decode.costs_in(precision, &self.context)?;
        Ok([phase(CostPhase::Prefill, &prefill, cache), phase(CostPhase::Decode, &decode, cache)])
    }
}
