//! What a model is and what it costs: every number follows from its graph, nothing is run.

use contract::{CostPhase, GenerationWork, ModelDescription, PhaseMemory, Precision, PrecisionMemory};
use models::{Costs, Generation, Model, ModelError, Stage, Texts, Value, transformers};
use std::{collections::BTreeMap, thread};

/// Every free size of the inputs, by name.
pub type Sizes = BTreeMap<String, u64>;

pub fn describe(model: &Model, sizes: Sizes) -> Result<ModelDescription, ModelError> {
    let info = model.info();
    let image = |size: &str| sizes.get(size).map(|size| *size as u32);
    let stages = model.generation()?.map(|stages| stages.with_image(image));
    let generating = stages.as_ref().map(|stages| Generating::of(model, stages, &sizes)).transpose()?;
    let at = At::of(model, sizes)?;
    let memory = memories(&at, generating.as_ref())?;
    let At { sizes, costs, .. } = at;
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
        experts: info.experts,
        activations: costs.activations,
        per_sample: models::per_sample(info, &sizes),
        generation: generating.as_ref().map(Generating::work),
        memory,
        operators: info.operators.iter().cloned().collect(),
        operator_macs: operator_macs(model, &costs),
        sizes,
    })
}

fn operator_macs(model: &Model, costs: &Costs) -> BTreeMap<String, u64> {
    let mut macs = BTreeMap::new();
    for (node, own) in model.graph().nodes.iter().zip(&costs.node_macs).filter(|(_, own)| **own > 0) {
        *macs.entry(node.op.clone()).or_default() += own;
    }
    macs
}

/// A model at some sizes, with what it costs in the precision that it has by itself.
struct At<'a> {
    model: &'a Model,
    sizes: Sizes,
    costs: Costs,
}

impl<'a> At<'a> {
    fn of(model: &'a Model, sizes: Sizes) -> Result<Self, ModelError> {
        let costs = model.costs(&sizes)?;
        Ok(Self { model, sizes, costs })
    }

    /// With the bytes that building it writes.
    fn costs_and_disk_bytes(&self, precision: Precision) -> Result<(Costs, u64), ModelError> {
        if self.model.info().precisions.first() == Some(&precision) {
            return Ok((self.costs.clone(), self.model.disk_bytes(precision)));
        }
        self.model.costs_and_disk_bytes(precision, &self.sizes)
    }
}

/// In every precision the model can be had in, each drawn on a thread of its own so that typing is followed.
/// bf16 is not drawn where it costs what f16 does.
fn memories(at: &At, generating: Option<&Generating>) -> Result<Vec<PrecisionMemory>, ModelError> {
    let halves_alike = at.model.halves_alike() && generating.is_none_or(Generating::halves_alike);
    let drawn = |precision: &Precision| !(halves_alike && *precision == Precision::Bf16);
    let precisions = &at.model.info().precisions;
    let mut memories = thread::scope(|scope| {
        let drawn = precisions.iter().copied().filter(drawn);
        let drawn: Vec<_> = drawn.map(|precision| scope.spawn(move || memory(at, generating, precision))).collect();
        let memories = drawn.into_iter().map(|memory| memory.join().expect("drawing a graph does not panic"));
        memories.collect::<Result<Vec<_>, _>>()
    })?;
    if let (true, Some(f16)) = (halves_alike, memories.iter().position(|memory| memory.precision == Precision::F16)) {
        memories.insert(f16 + 1, PrecisionMemory { precision: Precision::Bf16, ..memories[f16].clone() });
    }
    Ok(memories)
}

fn memory(at: &At, generating: Option<&Generating>, precision: Precision) -> Result<PrecisionMemory, ModelError> {
    let (run, disk_bytes) = at.costs_and_disk_bytes(precision)?;
    let mut phases = vec![phase(CostPhase::Run, &run, run.weight_bytes, 0)];
    if let Some(generating) = generating {
        phases.extend(generating.memory(precision, run.weight_bytes)?);
    }
    Ok(PrecisionMemory { precision, weight_bytes: run.weight_bytes, disk_bytes, phases })
}

/// `weight_bytes` are the model's: the graph of one stage may do without some, which are there all the same.
fn phase(phase: CostPhase, costs: &Costs, weight_bytes: u64, cache_bytes: u64) -> PhaseMemory {
    let results = costs.peak_memory_bytes.saturating_sub(costs.weight_bytes);
    let activation_bytes = results.saturating_sub(cache_bytes);
    PhaseMemory { phase, activation_bytes, cache_bytes, total_bytes: weight_bytes.saturating_add(results) }
}

/// The two stages of generating text, to a prompt as long as what the whole model reads.
struct Generating<'a> {
    stages: &'a Generation,
    /// Length of the prompt.
    length: u32,
    prompt: At<'a>,
    /// Before the next token.
    context: At<'a>,
}

impl<'a> Generating<'a> {
    fn of(model: &Model, stages: &'a Generation, sizes: &Sizes) -> Result<Self, ModelError> {
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
        Ok(Self {
            stages,
            length: prompt,
            prompt: At::of(&stages.prefill, stages.sizes_of(Stage::Prefill, [batch, prompt, given])?)?,
            context: At::of(&stages.decode, stages.sizes_of(Stage::Decode, [batch, prompt, before])?)?,
        })
    }

    fn work(&self) -> GenerationWork {
        GenerationWork {
            tokens: u64::from(self.length),
            prefill_macs: self.prompt.costs.macs,
            decode_macs: self.context.costs.macs,
        }
    }

    fn halves_alike(&self) -> bool {
        self.stages.prefill.halves_alike() && self.stages.decode.halves_alike()
    }

    /// Of each stage by itself, and of both together, as they are loaded. None in a precision that one of the two graphs
    /// cannot be had in.
    fn memory(&self, precision: Precision, weight_bytes: u64) -> Result<Vec<PhaseMemory>, ModelError> {
        if !self.stages.offers(precision) {
            return Ok(Vec::new());
        }
        // Quantised weights multiply f32 results, and the cache is made of those.
        let kept_in = if precision.is_quantised() { Precision::F32 } else { precision };
        let bytes = u64::from(kept_in.bits()) / 8;
        let phases =
            [(CostPhase::Prefill, Stage::Prefill, &self.prompt), (CostPhase::Decode, Stage::Decode, &self.context)];
        let mut memory = Vec::with_capacity(phases.len() + 1);
        let mut both =
            PhaseMemory { phase: CostPhase::Generation, activation_bytes: 0, cache_bytes: 0, total_bytes: 0 };
        for (name, stage, at) in phases {
            let cache = self.stages.cache_bytes(stage, &at.sizes, bytes)?;
            let costs = at.costs_and_disk_bytes(precision)?.0;
            let own = phase(name, &costs, weight_bytes, cache);
            both.activation_bytes = both.activation_bytes.saturating_add(own.activation_bytes);
            both.cache_bytes = both.cache_bytes.saturating_add(own.cache_bytes);
            // Only the weights that its own graph has are loaded with it.
            both.total_bytes = both.total_bytes.saturating_add(costs.peak_memory_bytes);
            memory.push(own);
        }
        memory.push(both);
        Ok(memory)
    }
}
