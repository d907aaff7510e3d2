//! What ONNX Runtime's profile of one call says: which provider ran each kernel, on what shapes, in which number format.

use super::native::Assignment;
use contract::{Placement, PlacementPart, Precision};
use models::Graph;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One kernel that ran.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    pub operator: String,
    pub provider: String,
    /// Number format and shape. Weights that the kernel repacked for itself are left out by the library.
    pub inputs: Vec<(String, Vec<u64>)>,
    pub outputs: Vec<(String, Vec<u64>)>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Args,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Args {
    op_name: String,
    provider: String,
    input_type_shape: Vec<BTreeMap<String, Vec<i64>>>,
    output_type_shape: Vec<BTreeMap<String, Vec<i64>>>,
}

/// The kernels in a profile file's text.
pub(super) fn kernels(text: &str) -> Result<Vec<Kernel>, serde_json::Error> {
    let events: Vec<Event> = serde_json::from_str(text)?;
    let ran = events.into_iter().filter(|event| event.cat == "Node" && event.name.ends_with("_kernel_time"));
    Ok(ran
        .map(|event| Kernel {
            operator: event.args.op_name,
            provider: event.args.provider,
            inputs: typed_shapes(event.args.input_type_shape),
            outputs: typed_shapes(event.args.output_type_shape),
        })
        .collect())
}

fn typed_shapes(listed: Vec<BTreeMap<String, Vec<i64>>>) -> Vec<(String, Vec<u64>)> {
    let sizes = |shape: Vec<i64>| shape.into_iter().map(|size| size.max(0) as u64).collect();
    listed.into_iter().flatten().map(|(format, shape)| (format, sizes(shape))).collect()
}

impl Kernel {
    /// Multiply-accumulates, 0 for operators that make none worth counting; none where the shapes do not tell.
    fn macs(&self) -> Option<u64> {
        let input = |index: usize| self.inputs.get(index).map(|(_, shape)| shape.as_slice());
        let output = self.outputs.first().map(|(_, shape)| shape.as_slice());
        match self.operator.as_str() {
            "MatMul"
            | "FusedMatMul"
            | "Gemm"
            | "FusedGemm"
            | "TransposeMatMul"
            | "MatMulInteger"
            | "MatMulIntegerToFloat"
            | "DynamicQuantizeMatMul"
            | "QLinearMatMul"
            | "QGemm"
            | "MatMulNBits"
            | "GemmFloat8" => matrix_macs(input(0)?, output?),
            "Conv" | "FusedConv" | "NhwcFusedConv" | "ConvInteger" | "NhwcConv" => conv_macs(input(1)?, output?),
            "QLinearConv" => conv_macs(input(3)?, output?),
            "ConvTranspose" => conv_macs(input(1)?, input(0)?),
            "Attention" => {
                // Projections of [batch, length, width] by [width, 3 × hidden], then scores and their sums.
                let ([batch, length, width], [_, projected]) = (input(0)?, input(1)?) else { return None };
                Some(batch * length * width * projected + 2 * batch * length * length * (projected / 3))
            }
            "MultiHeadAttention" => {
                let ([batch, length, hidden], [_, keys, _]) = (input(0)?, input(1)?) else { return None };
                Some(2 * batch * length * keys * hidden)
            }
            "GroupQueryAttention" | "Einsum" | "LSTM" | "GRU" | "RNN" => None,
            _ => Some(0),
        }
    }

    /// A part of the graph that a provider compiled for itself; what happens inside is not in the profile.
    fn is_compiled(&self) -> bool {
        !self.operator.chars().all(|c| c.is_ascii_alphanumeric())
    }
}

/// Multiply-accumulates of a matrix product, from its left side and its result. The right side is often repacked and
/// missing; the left side may be transposed, which leaves the product of its last two sizes as it is.
fn matrix_macs(left: &[u64], result: &[u64]) -> Option<u64> {
    let elements: u64 = result.iter().product();
    let depth = match (left, result) {
        ([depth], _) => *depth,
        ([.., rows, depth], [.., out_rows, _]) if rows * depth % out_rows.max(&1) == 0 => {
            rows * depth / out_rows.max(&1)
        }
        // A matrix times a vector: the result has the rows only.
        ([.., _, depth], _) => *depth,
        _ => return None,
    };
    Some(elements * depth)
}

/// `weights` are [to, from / groups, …kernel]; each place of `placed` takes one product of the rest.
fn conv_macs(weights: &[u64], placed: &[u64]) -> Option<u64> {
    let (_, each) = weights.split_first()?;
    Some(placed.iter().product::<u64>() * each.iter().product::<u64>())
}

/// The model's own counts of multiply-accumulates, by the names of the nodes that have any; none where its shapes
/// cannot be followed.
pub(super) fn node_macs(graph: &Graph, dims: &BTreeMap<String, u64>) -> Option<BTreeMap<String, u64>> {
    let macs = graph.costs(dims).ok()?.node_macs;
    let named = graph.nodes.iter().map(|node| node.name.clone()).zip(macs);
    Some(named.filter(|(_, macs)| *macs > 0).collect())
}

/// Where the graph ran. `node_macs` are the model's own counts by node name, for parts a provider compiled whole.
pub(super) fn placement(
    asked: &str,
    assignments: &[Assignment],
    kernels: &[Kernel],
    node_macs: &BTreeMap<String, u64>,
) -> Placement {
    let mut parts: BTreeMap<&str, PlacementPart> = BTreeMap::new();
    fn part<'p, 'a>(parts: &'p mut BTreeMap<&'a str, PlacementPart>, on: &'a str) -> &'p mut PlacementPart {
        parts.entry(on).or_insert_with(|| PlacementPart { on: on.to_owned(), nodes: 0, macs: Some(0) })
    }
    for assignment in assignments {
        part(&mut parts, &assignment.provider).nodes += 1;
    }
    for kernel in kernels.iter().filter(|kernel| !kernel.is_compiled()) {
        let part = part(&mut parts, &kernel.provider);
        part.macs = part.macs.zip(kernel.macs()).map(|(sum, more)| sum + more);
        if assignments.is_empty() {
            part.nodes += 1;
        }
    }
    for provider in kernels.iter().filter(|kernel| kernel.is_compiled()).map(|kernel| kernel.provider.as_str()) {
        let nodes = assignments.iter().filter(|assignment| assignment.provider == provider);
        let inside = nodes.map(|assignment| node_macs.get(&assignment.node).copied()).sum::<Option<u64>>();
        part(&mut parts, provider).macs = inside.filter(|_| !assignments.is_empty());
    }

    let nodes: u32 = parts.values().map(|part| part.nodes).sum();
    let macs: Option<u64> = parts.values().map(|part| part.macs).sum();
    let on_asked = parts.get(asked);
    let share = |of: f64, all: f64| if all > 0.0 { of / all } else { 1.0 };
    Placement {
        node_share: share(on_asked.map_or(0.0, |part| part.nodes.into()), nodes.into()),
        mac_share: match (parts.len(), macs) {
            (1, _) => Some(if on_asked.is_some() { 1.0 } else { 0.0 }),
            (_, Some(all)) => Some(share(on_asked.and_then(|part| part.macs).unwrap_or(0) as f64, all as f64)),
            (_, None) => None,
        },
        parts: parts.into_values().collect(),
        source: "ONNX Runtime's assignment of the nodes and its profile of one call".to_owned(),
    }
}

/// The number format most of the work was done in on the asked provider, and how that is known.
///
/// `block_bits` are those of weights in blocks, which the profile does not show.
pub(super) fn precision(asked: &str, kernels: &[Kernel], block_bits: i64) -> (Option<Precision>, String) {
    let own: Vec<&Kernel> = kernels.iter().filter(|kernel| kernel.provider == asked).collect();
    if own.iter().any(|kernel| kernel.is_compiled()) {
        return (None, "the provider compiles its part of the graph and does not say in which format".to_owned());
    }
    // A graph without matrix products is judged by the size of what it makes.
    let any_macs = own.iter().any(|kernel| kernel.macs().is_some_and(|macs| macs > 0));
    let mut work: BTreeMap<&str, u64> = BTreeMap::new();
    let ranges_taken_anew = own.iter().any(|kernel| kernel.operator.starts_with("DynamicQuantize"));
    for kernel in own.iter().filter(|kernel| kernel.operator != "Cast") {
        let size = if any_macs {
            kernel.macs().unwrap_or(0)
        } else {
            kernel.outputs.first().map_or(0, |(_, shape)| shape.iter().product())
        };
        let first = || kernel.inputs.first().or(kernel.outputs.first()).map(|(format, _)| format.as_str());
        let format = kernel.quantised(ranges_taken_anew, block_bits).or_else(first);
        if let Some(format) = format.filter(|format| precision_of(format).is_some()) {
            *work.entry(format).or_default() += size;
        }
    }
    match work.into_iter().max_by_key(|(_, size)| *size) {
        Some((format, _)) => {
            let what = if any_macs { "matrix products" } else { "largest results" };
            (precision_of(format), format!("number format of the {what} in the profile of one call: {format}"))
        }
        None => (None, "the profile of one call shows no floating-point work".to_owned()),
    }
}

/// How products of integers with scales are told.
const DYNAMIC: &str = "int8, activations by their range in the call";
const STATIC: &str = "int8, activations by given ranges";
const BLOCKS: &str = "int4 weights in blocks";

impl Kernel {
    /// What a product of a quantised graph is made in; none for another kernel.
    fn quantised(&self, ranges_taken_anew: bool, block_bits: i64) -> Option<&'static str> {
        match self.operator.as_str() {
            "DynamicQuantizeMatMul" => Some(DYNAMIC),
            "MatMulInteger" | "MatMulIntegerToFloat" if ranges_taken_anew => Some(DYNAMIC),
            "MatMulInteger" | "MatMulIntegerToFloat" | "QLinearMatMul" | "QGemm" | "QLinearConv" => Some(STATIC),
            "MatMulNBits" => Some(if block_bits <= 4 { BLOCKS } else { DYNAMIC }),
            _ => None,
        }
    }
}

fn precision_of(format: &str) -> Option<Precision> {
    match format {
        "float" => Some(Precision::F32),
        "float16" => Some(Precision::F16),
        "bfloat16" => Some(Precision::Bf16),
        "int8" | "uint8" | DYNAMIC => Some(Precision::Int8),
        STATIC => Some(Precision::Int8Static),
        "int4" | "uint4" | BLOCKS => Some(Precision::Int4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: &str = "CPUExecutionProvider";
    const GPU: &str = "CUDAExecutionProvider";

    fn kernel(operator: &str, provider: &str, format: &str, inputs: &[&[u64]], output: &[u64]) -> Kernel {
        Kernel {
            operator: operator.to_owned(),
            provider: provider.to_owned(),
            inputs: inputs.iter().map(|shape| (format.to_owned(), shape.to_vec())).collect(),
            outputs: vec![(format.to_owned(), output.to_vec())],
        }
    }

    fn assigned(provider: &str, node: &str) -> Assignment {
        Assignment { provider: provider.to_owned(), node: node.to_owned(), operator: "MatMul".to_owned() }
    }

    #[test]
    fn a_profile_is_read_as_the_library_writes_it() {
        let text = r#"[
            {"cat":"Session","name":"model_run","args":{}},
            {"cat":"Node","name":"mm_fence_before","args":{"op_name":"MatMul"}},
            {"cat":"Node","name":"mm_kernel_time","args":{"provider":"CPUExecutionProvider","op_name":"MatMul",
             "node_index":"0","input_type_shape":[{"float":[2,8,64]}],"output_type_shape":[{"float":[2,8,32]}]}}]"#;
        assert_eq!(kernels(text).unwrap(), [kernel("MatMul", CPU, "float", &[&[2, 8, 64]], &[2, 8, 32])]);
        assert!(kernels("not a profile").is_err());
    }

    #[test]
    fn multiply_accumulates_follow_from_the_shapes() {
        let macs = |operator, inputs: &[&[u64]], output: &[u64]| kernel(operator, CPU, "float", inputs, output).macs();
        // [2, 8, 64] × [64, 32]
        assert_eq!(macs("MatMul", &[&[2, 8, 64]], &[2, 8, 32]), Some(2 * 8 * 32 * 64));
        // Left side transposed: [64, 8]ᵀ × [64, 32]
        assert_eq!(macs("Gemm", &[&[64, 8]], &[8, 32]), Some(8 * 32 * 64));
        assert_eq!(macs("MatMul", &[&[64], &[64, 32]], &[32]), Some(32 * 64));
        assert_eq!(macs("MatMul", &[&[8, 64], &[64]], &[8]), Some(8 * 64));
        // 3 → 16 channels, 3 × 3 kernel, 8 × 8 places
        assert_eq!(macs("Conv", &[&[1, 3, 8, 8], &[16, 3, 3, 3]], &[1, 16, 8, 8]), Some(16 * 64 * 27));
        assert_eq!(macs("Attention", &[&[1, 128, 768], &[768, 2304]], &[1, 128, 768]), Some(251_658_240));
        assert_eq!(macs("Softmax", &[&[8, 8]], &[8, 8]), Some(0));
        assert_eq!(macs("Conv", &[&[1, 3, 8, 8]], &[1, 16, 8, 8]), None);
    }

    #[test]
    fn what_fell_back_is_counted_elsewhere() {
        let kernels = [
            kernel("MatMul", GPU, "float", &[&[8, 64]], &[8, 96]),
            kernel("MatMul", CPU, "float", &[&[8, 64]], &[8, 32]),
        ];
        let assignments = [assigned(GPU, "a"), assigned(GPU, "b"), assigned(GPU, "c"), assigned(CPU, "d")];
        let placed = placement(GPU, &assignments, &kernels, &BTreeMap::new());
        assert_eq!(placed.node_share, 0.75);
        assert_eq!(placed.mac_share, Some(0.75));
        assert_eq!(
            placed.parts.iter().map(|part| (part.on.as_str(), part.nodes)).collect::<Vec<_>>(),
            [(CPU, 1), (GPU, 3)]
        );
    }

    #[test]
    fn nothing_on_the_asked_provider_is_no_share() {
        let kernels = [kernel("MatMul", CPU, "float", &[&[8, 64]], &[8, 32])];
        let placed = placement(GPU, &[assigned(CPU, "a")], &kernels, &BTreeMap::new());
        assert_eq!((placed.node_share, placed.mac_share), (0.0, Some(0.0)));
    }

    #[test]
    fn a_compiled_part_is_counted_by_the_nodes_inside_it() {
        const NPU: &str = "CoreMLExecutionProvider";
        let kernels = [
            kernel("CoreML_12345_0", NPU, "float", &[&[8, 64]], &[8, 32]),
            kernel("MatMul", CPU, "float", &[&[8, 64]], &[8, 32]),
        ];
        let assignments = [assigned(NPU, "a"), assigned(CPU, "b")];
        let known = BTreeMap::from([("a".to_owned(), 3 * 8 * 64 * 32)]);
        assert_eq!(placement(NPU, &assignments, &kernels, &known).mac_share, Some(0.75));
        assert_eq!(placement(NPU, &assignments, &kernels, &BTreeMap::new()).mac_share, None);
        assert_eq!(precision(NPU, &kernels, 4).0, None);
    }

    #[test]
    fn products_of_integers_are_told_by_their_kernels() {
        let ran = |operators: &[&str], block_bits| {
            let kernels: Vec<Kernel> =
                operators.iter().map(|operator| kernel(operator, CPU, "float", &[&[8, 64]], &[8, 32])).collect();
            precision(CPU, &kernels, block_bits).0
        };
        assert_eq!(ran(&["DynamicQuantizeMatMul"], 4), Some(Precision::Int8));
        assert_eq!(ran(&["DynamicQuantizeLinear", "MatMulIntegerToFloat"], 4), Some(Precision::Int8));
        assert_eq!(ran(&["QuantizeLinear", "MatMulIntegerToFloat"], 4), Some(Precision::Int8Static));
        assert_eq!(
            (ran(&["MatMulNBits"], 4), ran(&["MatMulNBits"], 8)),
            (Some(Precision::Int4), Some(Precision::Int8))
        );
    }

    #[test]
    fn inserted_casts_show_that_half_precision_ran_as_f32() {
        let kernels = [
            kernel("Cast", CPU, "float16", &[&[8, 64]], &[8, 64]),
            kernel("MatMul", CPU, "float", &[&[8, 64]], &[8, 32]),
        ];
        assert_eq!(precision(CPU, &kernels, 4).0, Some(Precision::F32));
        let kernels = [kernel("MatMul", GPU, "float16", &[&[8, 64]], &[8, 32])];
        assert_eq!(precision(GPU, &kernels, 4).0, Some(Precision::F16));
    }
}
