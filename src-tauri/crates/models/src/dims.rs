//! The free sizes of a graph: what they mean, how they are asked for, what they may be.

use crate::{Dimension, Graph, ModelError, Value, extent::Extent, filling};
use contract::{Dim, DimRole, size_dim};
use std::collections::BTreeMap;

/// Beyond this no input fits any memory.
const LARGEST: u64 = 1 << 31;

/// The free sizes of any graph's inputs, in plain words with sensible defaults.
pub fn of_inputs(graph: &Graph) -> Vec<Dim> {
    let mut dims: Vec<Dim> = Vec::new();
    for input in &graph.inputs {
        for (axis, dimension) in input.shape.iter().enumerate() {
            let Dimension::Free(name) = dimension else { continue };
            for part in parts(name) {
                if part.parse::<u64>().is_err() && dims.iter().all(|known| known.name != part) {
                    let (role, default) = guess(part, input, axis);
                    let question = question(role, part, input, axis);
                    let (name, max, per_second, frames) = (part.to_owned(), None, None, false);
                    dims.push(Dim { name, role, question, default, max, per_second, frames });
                }
            }
        }
    }
    dims
}

/// What a size means, by its name first and by its place second, with its default.
fn guess(name: &str, input: &Value, axis: usize) -> (DimRole, u32) {
    let lower = name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let rank = input.shape.len();
    if says(&["batch"]) || lower == "n" || lower == "b" {
        return (DimRole::Batch, 1);
    }
    if says(&["past", "cache"]) {
        return (DimRole::Other, 16);
    }
    if says(&["image"]) && says(&["frame", "rows", "columns"]) {
        // A still image, of so few tokens each way that the usual length of a text has room for words beside them.
        return (DimRole::Other, if says(&["frame"]) { 1 } else { 8 });
    }
    if says(&["height", "width", "image", "pixel"]) || (rank == 4 && ["h", "w"].contains(&lower.as_str())) {
        return (DimRole::ImageSize, 224);
    }
    if says(&["channel"]) {
        return (DimRole::Other, 3);
    }
    if says(&["seq", "length", "token"]) {
        return (DimRole::Sequence, 128);
    }
    match (rank, axis, input.element.is_float()) {
        (2.., 0, _) => (DimRole::Batch, 1),
        (2, 1, false) => (DimRole::Sequence, 128),
        (4, 1, true) => (DimRole::Other, 3),
        (4, 2 | 3, true) => (DimRole::ImageSize, 224),
        (3, 1, true) => (DimRole::Sequence, 128),
        _ => (DimRole::Other, 16),
    }
}

fn question(role: DimRole, name: &str, input: &Value, axis: usize) -> String {
    match role {
        DimRole::Batch => "How many samples at once?".to_owned(),
        DimRole::Sequence => "How many tokens of text?".to_owned(),
        DimRole::ImageSize => "How many pixels along an edge of the image?".to_owned(),
        DimRole::Sound => "How many pieces of sound?".to_owned(),
        DimRole::Other => format!("How large is {name:?} (dimension {} of the input {})?", axis + 1, input.name),
    }
}

/// Whether a size follows from others, as in `past_length + sequence` or `batch * image_rows * image_columns`.
fn follows(name: &str) -> bool {
    !name.contains('(') && (name.contains(" + ") || name.contains(" * "))
}

/// The sizes and numbers that a size follows from; itself where it is free.
fn parts(name: &str) -> Vec<&str> {
    if !follows(name) {
        return vec![name];
    }
    name.split(" + ").flat_map(|product| product.split(" * ")).map(str::trim).collect()
}

/// What a size comes to: a sum of products of other sizes and numbers.
pub fn value(name: &str, known: &BTreeMap<String, u64>) -> Result<u64, ModelError> {
    let too_large = || ModelError::bad_size(name, LARGEST, "no memory holds so much");
    let mut total = 0u64;
    for product in name.split(" + ") {
        let mut all = 1u64;
        for part in product.split(" * ").map(str::trim) {
            let size = part.parse().ok().or_else(|| known.get(part).copied());
            let size =
                size.ok_or_else(|| ModelError::bad_size(name, 0, format!("the size {part:?} in it is not known")))?;
            all = all.checked_mul(size).ok_or_else(too_large)?;
        }
        total = total.checked_add(all).ok_or_else(too_large)?;
    }
    Ok(total)
}

/// Each free size with its value. Names in `asked` that this model does not have are passed over: a sweep shares them
/// among its models.
pub fn choose(
    known: &[Dim],
    graph: &Graph,
    batch: u32,
    size: Option<u32>,
    asked: &BTreeMap<String, u32>,
) -> Result<BTreeMap<String, u64>, ModelError> {
    let mut chosen = BTreeMap::new();
    let first = size_dim(known).map(|dim| dim.role);
    for dim in known {
        let own = asked.get(&dim.name).copied();
        let value = match dim.role {
            DimRole::Batch => own.unwrap_or(batch),
            role => {
                let size = size.filter(|_| first.is_some_and(|first| first.shares_size(role)));
                own.or(size).unwrap_or(dim.default)
            }
        };
        check(dim, value)?;
        chosen.insert(dim.name.clone(), u64::from(value));
    }
    if known.iter().all(|dim| dim.role != DimRole::Batch) {
        fixed_batch(graph, batch)?;
    }
    if let Some(size) = size
        && first.is_none()
    {
        fixed_size(graph, size)?;
    }
    add_following(graph, &mut chosen)?;
    filling::check(graph, &chosen)?;
    Ok(chosen)
}

fn check(dim: &Dim, value: u32) -> Result<(), ModelError> {
    let reason = match dim.max {
        _ if value == 0 => "there must be at least one".to_owned(),
        _ if dim.unit().and_then(|unit| unit.secs(value)) == Some(0.0) => {
            "one frame alone is no length of sound; choose at least two".to_owned()
        }
        Some(max) if value > max => format!("the model takes at most {max}"),
        _ if u64::from(value) > LARGEST => "no memory holds so much".to_owned(),
        _ => return Ok(()),
    };
    Err(ModelError::bad_size(&dim.name, u64::from(value), reason))
}

/// Where the file fixes the number of samples, only that number can be measured.
fn fixed_batch(graph: &Graph, batch: u32) -> Result<(), ModelError> {
    let fixed = graph.inputs.iter().find_map(|input| match input.shape.first() {
        Some(Dimension::Fixed(size)) if input.shape.len() > 1 => Some(*size),
        _ => None,
    });
    let fixed = fixed.unwrap_or(1);
    if u64::from(batch) == fixed {
        return Ok(());
    }
    let reason =
        format!("the file fixes the number of samples at {fixed}; choose {fixed}, or export it with a free one");
    Err(ModelError::bad_size("batch", u64::from(batch), reason))
}

fn fixed_size(graph: &Graph, size: u32) -> Result<(), ModelError> {
    let fixed: Vec<u64> = graph
        .inputs
        .iter()
        .flat_map(|input| input.shape.iter().skip(1))
        .filter_map(|dimension| match dimension {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Free(_) => None,
        })
        .collect();
    if fixed.contains(&u64::from(size)) {
        return Ok(());
    }
    let sizes: Vec<String> = fixed.iter().map(ToString::to_string).collect();
    let reason = format!("the model's sizes are fixed ({}); leave the size to it", sizes.join(" × "));
    Err(ModelError::bad_size("size", u64::from(size), reason))
}

/// Fills in the sizes of inputs and of outputs that follow from others.
fn add_following(graph: &Graph, chosen: &mut BTreeMap<String, u64>) -> Result<(), ModelError> {
    for name in graph.free_dimensions() {
        if follows(&name) && !chosen.contains_key(&name) {
            chosen.insert(name.clone(), value(&name, chosen)?);
        }
    }
    for dimension in graph.outputs.iter().flat_map(|output| &output.shape) {
        let Dimension::Free(name) = dimension else { continue };
        // Of a sum in a person's file some part may not be an input's.
        let sum = || follows(name).then(|| value(name, chosen)).filter(Result::is_ok);
        if !chosen.contains_key(name)
            && let Some(value) = Extent::value(name, chosen).or_else(sum)
        {
            chosen.insert(name.clone(), value?);
        }
    }
    Ok(())
}
