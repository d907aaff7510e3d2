//! What a model is and what it costs: every number follows from its graph, nothing is run.

use contract::{CostPhase, GenerationWork, ModelDescription, PhaseMemory, Precision, PrecisionMemory};
use models::{Costs, Generation, Model, ModelError, Stage, Texts, Value, transformers};
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
    let mut phases = vec![phase(CostPhase::Run, &run, run.weight_bytes, 0)];
    if let Some(generating) = generating {
        phases.extend(generating.memory(precision, run.weight_bytes)?);
    }
    Ok(PrecisionMemory { precision, weight_bytes: run.weight_bytes, disk_bytes: model.disk_bytes(precision), phases })
}

/// `weight_bytes` are the model's: the graph of one stage may do without some, which are there all the same.
fn phase(phase: CostPhase, costs: &Costs, weight_bytes: u64, cache_bytes: u64) -> PhaseMemory {
    let results = costs.peak_memory_bytes.saturating_sub(costs.weight_bytes);
    let activation_bytes = results.saturating_sub(cache_bytes);
    PhaseMemory { phase, activation_bytes, cache_bytes, total_bytes: weight_bytes.saturating_add(results) }
}

/// The two stages of generating text, to a prompt as long as what the whole model reads.
struct Generating {
    stages: Generation,
    /// Length of the prompt.
    length: u32,
    prompt: Sizes,
    /// Before the next token.
    context: Sizes,
}

impl Generating {
    fn of(model: &Model, sizes: &Sizes) -> Result<Option<Self>, ModelError> {
        let Some(stages) = model.generation()? else { return Ok(None) };
        let batch = sizes.get("batch").map_or(1, |batch| *batch as u32);
        let inputs = &model.graph().inputs;
        let length = |input: Option<&Value>| -> Result<u32, ModelError> {
            let shape = input.map(|input| input.shape_for(sizes)).transpose()?;
            Ok(shape.and_then(|shape| shape.last().copied()).map_or(1, |length| length as u32))
        };
        let prompt = length(inputs.first())?;
        let tokens = length(inputs.iter().find(|input| input.name == stages.manner.tokens()))?;
        // The last place of the longest text is the next token's.
        let most = stages.decode.info().dims.iter().find(|dim| dim.name == "past").and_then(|dim| dim.max);
        let before = tokens.min(most.unwrap_or(tokens));
        let given = stages.manner.given(Texts { batch, prompt, output: 0 });
        Ok(Some(Self {
            length: prompt,
            prompt: stages.sizes_of(Stage::Prefill, [batch, prompt, given])?,
            context: stages.sizes_of(Stage::Decode, [batch, prompt, before])?,
            stages,
        }))
    }

    fn work(&self) -> Result<GenerationWork, ModelError> {
        Ok(GenerationWork {
            tokens: u64::from(self.length),
            prefill_macs: self.stages.prefill.costs(&self.prompt)?.macs,
            decode_macs: self.stages.decode.costs(&self.context)?.macs,
        })
    }

    /// None in a precision that one of the two graphs cannot be had in.
    fn memory(&self, precision: Precision, weight_bytes: u64) -> Result<Vec<PhaseMemory>, ModelError> {
        if !self.stages.offers(precision) {
            return Ok(Vec::new());
        }
        // Quantised weights multiply f32 results, and the cache is made of those.
        let kept_in = if precision.is_quantised() { Precision::F32 } else { precision };
        let bytes = u64::from(kept_in.bits()) / 8;
        let phases = [
            (CostPhase::Prefill, Stage::Prefill, &self.stages.prefill, &self.prompt),
            (CostPhase::Decode, Stage::Decode, &self.stages.decode, &self.context),
        ];
        let memory = phases.map(|(name, stage, model, sizes)| {
            let cache = self.stages.cache_bytes(stage, sizes, bytes)?;
            Ok(phase(name, &model.costs_in(precision, sizes)?, weight_bytes, cache))
        });
        memory.into_iter().collect()
    }
}
