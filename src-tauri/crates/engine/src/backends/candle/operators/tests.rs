//! Each operator against values worked out by hand or by ONNX's own definition.
#![expect(clippy::cloned_ref_to_slice_refs, reason = "a list of inputs reads the same whatever its length")]

use super::*;
use candle_core::Device;
use models::Attribute;

/// Runs one node on tensors; none stands for an optional input that is left out.
fn run_all(
    op: &str,
    attributes: &[(&str, Attribute)],
    inputs: &[Option<Tensor>],
) -> std::result::Result<Vec<Tensor>, String> {
    run_as(op, "", 17, 1, attributes, inputs)
}

fn run_as(
    op: &str,
    domain: &str,
    opset: i64,
    outputs: usize,
    attributes: &[(&str, Attribute)],
    inputs: &[Option<Tensor>],
) -> std::result::Result<Vec<Tensor>, String> {
    let node = Node {
        name: "node".to_owned(),
        op: op.to_owned(),
        domain: domain.to_owned(),
        outputs: (0..outputs).map(|index| format!("y{index}")).collect(),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        ..Node::default()
    };
    let tensors: Vec<Option<&Tensor>> = inputs.iter().map(Option::as_ref).collect();
    kernel(&node, opset)?(&Inputs { tensors: &tensors, device: &Device::Cpu }).map_err(|error| error.to_string())
}

fn run(op: &str, attributes: &[(&str, Attribute)], inputs: &[Tensor]) -> Tensor {
    let inputs: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    run_all(op, attributes, &inputs).unwrap().remove(0)
}

fn f(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn i(shape: &[usize], values: &[i64]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn b(shape: &[usize], values: &[u8]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

/// 0, 1, 2, … in a shape.
fn counting(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    f(shape, &(0..count).map(|value| value as f32).collect::<Vec<_>>())
}

#[track_caller]
fn same(made: &Tensor, shape: &[usize], values: &[f32]) {
    assert_eq!(made.dims(), shape);
    let made = floats(made).unwrap();
    for (made, wanted) in made.iter().zip(values) {
        assert!(
            (made - wanted).abs() < 1e-5 || (made.is_nan() && wanted.is_nan()) || made == wanted,
            "{made} is not {wanted}"
        );
    }
    assert_eq!(made.len(), values.len());
}

#[track_caller]
fn same_ints(made: &Tensor, shape: &[usize], values: &[i64]) {
    assert_eq!((made.dims(), ints(made).unwrap().as_slice()), (shape, values));
}

const INT: fn(i64) -> Attribute = Attribute::Int;
const FLOAT: fn(f32) -> Attribute = Attribute::Float;

fn list(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

fn text(value: &str) -> Attribute {
    Attribute::Text(value.to_owned())
}

#[test]
fn arithmetic_spreads_shapes_and_lone_numbers() {
    let (x, row) = (f(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), f(&[2], &[10.0, 20.0]));
    same(&run("Add", &[], &[x.clone(), row.clone()]), &[2, 2], &[11.0, 22.0, 13.0, 24.0]);
    same(&run("Sub", &[], &[f(&[], &[1.0]), x.clone()]), &[2, 2], &[0.0, -1.0, -2.0, -3.0]);
    same(&run("Mul", &[], &[x.clone(), f(&[1], &[0.5])]), &[2, 2], &[0.5, 1.0, 1.5, 2.0]);
    same(&run("Div", &[], &[f(&[], &[12.0]), x.clone()]), &[2, 2], &[12.0, 6.0, 4.0, 3.0]);
    same(&run("Div", &[], &[x.clone(), f(&[2, 1], &[1.0, 2.0])]), &[2, 2], &[1.0, 2.0, 1.5, 2.0]);
    same(&run("Mean", &[], &[x.clone(), row]), &[2, 2], &[5.5, 11.0, 6.5, 12.0]);
    same(&run("Max", &[], &[x.clone(), f(&[], &[2.5]), f(&[2], &[0.0, 3.0])]), &[2, 2], &[2.5, 3.0, 3.0, 4.0]);
    same(&run("Min", &[], &[x, f(&[], &[2.5])]), &[2, 2], &[1.0, 2.0, 2.5, 2.5]);
}

#[test]
fn integers_stay_exact() {
    let large = i(&[2], &[i64::MAX - 1, -7]);
    same_ints(&run("Add", &[], &[large.clone(), i(&[], &[1])]), &[2], &[i64::MAX, -6]);
    same_ints(&run("Div", &[], &[i(&[3], &[7, -7, 9]), i(&[], &[2])]), &[3], &[3, -3, 4]);
    same_ints(&run("Mod", &[], &[i(&[2], &[7, -7]), i(&[], &[3])]), &[2], &[1, 2]);
    same_ints(&run("Mod", &[("fmod", INT(1))], &[i(&[2], &[7, -7]), i(&[], &[3])]), &[2], &[1, -1]);
    same_ints(&run("Neg", &[], &[large]), &[2], &[-(i64::MAX - 1), 7]);
    same_ints(&run("Pow", &[], &[i(&[2], &[3, -2]), i(&[], &[3])]), &[2], &[27, -8]);
    same_ints(&run("ReduceProd", &[("keepdims", INT(0))], &[i(&[3], &[2, 3, 7])]), &[], &[42]);
    let zero = run_all("Div", &[], &[Some(i(&[1], &[1])), Some(i(&[1], &[0]))]).unwrap_err();
    assert!(zero.contains("division by zero"), "{zero}");
}

#[test]
fn powers_keep_the_sign_of_their_base() {
    let x = f(&[3], &[-2.0, 4.0, 0.5]);
    same(&run("Pow", &[], &[x.clone(), f(&[], &[2.0])]), &[3], &[4.0, 16.0, 0.25]);
    same(&run("Pow", &[], &[x.clone(), f(&[], &[3.0])]), &[3], &[-8.0, 64.0, 0.125]);
    same(&run("Pow", &[], &[x, f(&[3], &[3.0, 0.5, -1.0])]), &[3], &[-8.0, 2.0, 2.0]);
}

#[test]
fn activations_match_their_formulas() {
    let x = f(&[3], &[-1.0, 0.0, 2.0]);
    let at = |op: &str, attributes: &[(&str, Attribute)]| run(op, attributes, &[x.clone()]);
    same(&at("Relu", &[]), &[3], &[0.0, 0.0, 2.0]);
    same(&at("Sigmoid", &[]), &[3], &[0.268_941_4, 0.5, 0.880_797_1]);
    same(&at("Tanh", &[]), &[3], &[-0.761_594_2, 0.0, 0.964_027_6]);
    same(&at("Erf", &[]), &[3], &[-0.842_700_8, 0.0, 0.995_322_3]);
    same(&at("Gelu", &[]), &[3], &[-0.158_655_25, 0.0, 1.954_499_7]);
    same(&at("Gelu", &[("approximate", text("tanh"))]), &[3], &[-0.158_808, 0.0, 1.954_597_7]);
    same(&at("LeakyRelu", &[("alpha", FLOAT(0.1))]), &[3], &[-0.1, 0.0, 2.0]);
    same(&at("Elu", &[]), &[3], &[-0.632_120_55, 0.0, 2.0]);
    same(&at("Selu", &[]), &[3], &[-1.111_330_7, 0.0, 2.101_402]);
    same(&at("Softplus", &[]), &[3], &[0.313_261_7, std::f32::consts::LN_2, 2.126_928]);
    same(&at("Softsign", &[]), &[3], &[-0.5, 0.0, 2.0 / 3.0]);
    same(&at("HardSigmoid", &[]), &[3], &[0.3, 0.5, 0.9]);
    same(&at("HardSwish", &[]), &[3], &[-1.0 / 3.0, 0.0, 5.0 / 3.0]);
    // What f32 cannot hold is kept in f64.
    let fine = Tensor::from_slice(&[1e-12f64], 1, &Device::Cpu).unwrap();
    let made = run("HardSigmoid", &[], &[fine]).to_vec1::<f64>().unwrap();
    assert!((made[0] - 0.5 - 2e-13).abs() < 1e-15, "{made:?}");
    same(&at("Mish", &[]), &[3], &[-0.303_401_46, 0.0, 1.943_959]);
    same(&run("PRelu", &[], &[x.clone(), f(&[1], &[0.25])]), &[3], &[-0.25, 0.0, 2.0]);
    same(&run("Round", &[], &[f(&[4], &[0.5, 1.5, -2.5, 2.4])]), &[4], &[0.0, 2.0, -2.0, 2.0]);
    same(&run("Softplus", &[], &[f(&[1], &[200.0])]), &[1], &[200.0]);
    let quick = run_as("QuickGelu", "com.microsoft", 17, 1, &[], &[Some(x)]).unwrap();
    same(&quick[0], &[3], &[-0.154_201, 0.0, 1.935_658]);
}

#[test]
fn clip_takes_its_bounds_from_inputs_or_attributes() {
    let x = f(&[3], &[-5.0, 0.5, 5.0]);
    same(&run("Clip", &[], &[x.clone(), f(&[], &[-1.0]), f(&[], &[1.0])]), &[3], &[-1.0, 0.5, 1.0]);
    let only_high = run_all("Clip", &[], &[Some(x.clone()), None, Some(f(&[], &[1.0]))]).unwrap();
    same(&only_high[0], &[3], &[-5.0, 0.5, 1.0]);
    same(&run("Clip", &[("min", FLOAT(0.0)), ("max", FLOAT(2.0))], &[x]), &[3], &[0.0, 0.5, 2.0]);
    same_ints(&run("Clip", &[], &[i(&[3], &[-9, 3, 9]), i(&[], &[0]), i(&[], &[5])]), &[3], &[0, 3, 5]);
}

#[test]
fn casts_cut_towards_zero_and_make_booleans_of_anything() {
    let x = f(&[4], &[-1.7, 0.0, 0.3, 2.9]);
    same_ints(&run("Cast", &[("to", INT(7))], &[x.clone()]), &[4], &[-1, 0, 0, 2]);
    same_ints(&run("Cast", &[("to", INT(9))], &[x.clone()]), &[4], &[1, 0, 1, 1]);
    assert_eq!(run("Cast", &[("to", INT(10))], &[x]).dtype(), DType::F16);
    assert!(run_all("Cast", &[("to", INT(8))], &[]).unwrap_err().contains("number format 8"));
}

#[test]
fn comparing_and_choosing() {
    let (x, y) = (f(&[3], &[1.0, 2.0, 3.0]), f(&[3], &[2.0, 2.0, 2.0]));
    let compared = |op: &str| ints(&run(op, &[], &[x.clone(), y.clone()])).unwrap();
    assert_eq!(compared("Equal"), [0, 1, 0]);
    assert_eq!(compared("Greater"), [0, 0, 1]);
    assert_eq!(compared("LessOrEqual"), [1, 1, 0]);
    let (p, q) = (b(&[4], &[0, 0, 1, 1]), b(&[4], &[0, 1, 0, 1]));
    let joined = |op: &str| ints(&run(op, &[], &[p.clone(), q.clone()])).unwrap();
    assert_eq!(joined("And"), [0, 0, 0, 1]);
    assert_eq!(joined("Or"), [0, 1, 1, 1]);
    assert_eq!(joined("Xor"), [0, 1, 1, 0]);
    same_ints(&run("Not", &[], &[p]), &[4], &[1, 1, 0, 0]);
    let chosen = run("Where", &[], &[b(&[2, 1], &[1, 0]), f(&[2], &[1.0, 2.0]), f(&[], &[9.0])]);
    same(&chosen, &[2, 2], &[1.0, 2.0, 9.0, 9.0]);
    same_ints(&run("IsNaN", &[], &[f(&[2], &[f32::NAN, 1.0])]), &[2], &[1, 0]);
    same_ints(
        &run("IsInf", &[("detect_negative", INT(0))], &[f(&[2], &[f32::INFINITY, f32::NEG_INFINITY])]),
        &[2],
        &[1, 0],
    );
}

#[test]
fn shapes_are_read_and_changed() {
    let x = counting(&[2, 3, 4]);
    same_ints(&run("Shape", &[], &[x.clone()]), &[3], &[2, 3, 4]);
    same_ints(&run("Shape", &[("start", INT(-1))], &[x.clone()]), &[1], &[4]);
    same_ints(&run("Size", &[], &[x.clone()]), &[], &[24]);
    assert_eq!(run("Reshape", &[], &[x.clone(), i(&[3], &[0, -1, 2])]).dims(), [2, 6, 2]);
    assert_eq!(run("Flatten", &[("axis", INT(2))], &[x.clone()]).dims(), [6, 4]);
    assert_eq!(run("Squeeze", &[], &[f(&[1, 2, 1], &[1.0, 2.0]), i(&[1], &[-1])]).dims(), [1, 2]);
    assert_eq!(run("Squeeze", &[], &[f(&[1, 2, 1], &[1.0, 2.0])]).dims(), [2]);
    assert_eq!(run("Unsqueeze", &[], &[f(&[2], &[1.0, 2.0]), i(&[2], &[0, -1])]).dims(), [1, 2, 1]);
    same(&run("Transpose", &[], &[counting(&[2, 3])]), &[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(run("Transpose", &[("perm", list(&[1, 2, 0]))], &[x]).dims(), [3, 4, 2]);
    same(
        &run("Expand", &[], &[f(&[2, 1], &[1.0, 2.0]), i(&[3], &[2, 1, 2])]),
        &[2, 2, 2],
        &[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0],
    );
    same(
        &run("Tile", &[], &[f(&[1, 2], &[1.0, 2.0]), i(&[2], &[2, 2])]),
        &[2, 4],
        &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
    );
}

#[test]
fn joining_and_cutting() {
    let joined = run("Concat", &[("axis", INT(-1))], &[counting(&[2, 1]), counting(&[2, 2])]);
    same(&joined, &[2, 3], &[0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
    let x = counting(&[4]);
    let parts = run_as("Split", "", 17, 2, &[], &[Some(x.clone()), Some(i(&[2], &[1, 3]))]).unwrap();
    same(&parts[1], &[3], &[1.0, 2.0, 3.0]);
    let halves = run_as("Split", "", 18, 2, &[("num_outputs", INT(2))], &[Some(counting(&[5]))]).unwrap();
    assert_eq!((halves[0].dims(), halves[1].dims()), (&[3][..], &[2][..]));
    let slice = |start: i64, end: i64, step: i64| {
        run("Slice", &[], &[x.clone(), i(&[1], &[start]), i(&[1], &[end]), i(&[1], &[0]), i(&[1], &[step])])
    };
    same(&slice(1, i64::MAX, 1), &[3], &[1.0, 2.0, 3.0]);
    same(&slice(-2, 4, 1), &[2], &[2.0, 3.0]);
    same(&slice(0, 4, 2), &[2], &[0.0, 2.0]);
    same(&slice(-1, i64::MIN, -1), &[4], &[3.0, 2.0, 1.0, 0.0]);
    same(&slice(3, 0, -2), &[2], &[3.0, 1.0]);
    same(&slice(3, -5, -2), &[2], &[3.0, 1.0]);
    same(&slice(3, 0, -4), &[1], &[3.0]);
    assert_eq!(slice(3, 1, 1).dims(), [0]);
    assert_eq!(slice(1, 3, -2).dims(), [0]);
    let down = [counting(&[10]), i(&[1], &[9]), i(&[1], &[5]), i(&[1], &[0]), i(&[1], &[-2])];
    same(&run("Slice", &[], &down), &[2], &[9.0, 7.0]);
    let old = run("Slice", &[("starts", list(&[1])), ("ends", list(&[3])), ("axes", list(&[0]))], &[x]);
    same(&old, &[2], &[1.0, 2.0]);
}

#[test]
fn parts_without_rows_are_computed_and_joined() {
    let sizes = i(&[3], &[0, 3, 0]);
    let parts = run_as("Split", "", 17, 3, &[], &[Some(counting(&[3, 2])), Some(sizes)]).unwrap();
    let (twice, bias) = (f(&[2, 2], &[2.0, 0.0, 0.0, 2.0]), f(&[2], &[1.0, 0.0]));
    let product = |part: &Tensor| run("MatMul", &[], &[part.clone(), twice.clone()]);
    let made: Vec<Tensor> = parts.iter().map(|part| run("Add", &[], &[product(part), bias.clone()])).collect();
    same(&run("Concat", &[("axis", INT(0))], &made), &[3, 2], &[1.0, 2.0, 5.0, 6.0, 9.0, 10.0]);
}

#[test]
fn padding_by_a_number_by_mirror_and_by_edge() {
    let x = f(&[3], &[1.0, 2.0, 3.0]);
    let padded = |mode: &str| run("Pad", &[("mode", text(mode))], &[x.clone(), i(&[2], &[2, 1])]);
    same(&padded("constant"), &[6], &[0.0, 0.0, 1.0, 2.0, 3.0, 0.0]);
    same(&padded("reflect"), &[6], &[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    same(&padded("edge"), &[6], &[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    let filled = run("Pad", &[], &[counting(&[1, 2]), i(&[4], &[1, 0, 0, -1]), f(&[], &[9.0])]);
    same(&filled, &[2, 1], &[9.0, 0.0]);
    assert!(run_all("Pad", &[("mode", text("wrap"))], &[]).unwrap_err().contains("wrap"));
}

#[test]
fn tensors_from_nothing() {
    same_ints(&run("Range", &[], &[i(&[], &[2]), i(&[], &[9]), i(&[], &[3])]), &[3], &[2, 5, 8]);
    same_ints(&run("Range", &[], &[i(&[], &[3]), i(&[], &[0]), i(&[], &[-1])]), &[3], &[3, 2, 1]);
    same_ints(&run("Range", &[], &[i(&[], &[5]), i(&[], &[1]), i(&[], &[-2])]), &[2], &[5, 3]);
    same_ints(&run("Range", &[], &[i(&[], &[5]), i(&[], &[0]), i(&[], &[-3])]), &[2], &[5, 2]);
    same(&run("Range", &[], &[f(&[], &[0.0]), f(&[], &[1.0]), f(&[], &[0.4])]), &[3], &[0.0, 0.4, 0.8]);
    let value = Attribute::Tensor(models::Tensor::from_i64s("", &[1], &[7]));
    same_ints(&run("ConstantOfShape", &[("value", value)], &[i(&[2], &[1, 2])]), &[1, 2], &[7, 7]);
    same(&run("ConstantOfShape", &[], &[i(&[1], &[2])]), &[2], &[0.0, 0.0]);
    same(&run("Constant", &[("value_floats", Attribute::Floats(vec![1.0, 2.0]))], &[]), &[2], &[1.0, 2.0]);
    let square = counting(&[2, 2]);
    same(&run("Trilu", &[("upper", INT(0))], &[square.clone()]), &[2, 2], &[0.0, 0.0, 2.0, 3.0]);
    same(&run("Trilu", &[], &[square, i(&[], &[1])]), &[2, 2], &[0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn depth_and_space_change_places_and_back() {
    let x = counting(&[1, 4, 1, 2]);
    let spread = run("DepthToSpace", &[("blocksize", INT(2))], &[x.clone()]);
    same(&spread, &[1, 1, 2, 4], &[0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    same(
        &run("SpaceToDepth", &[("blocksize", INT(2))], &[spread]),
        &[1, 4, 1, 2],
        &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    );
}

#[test]
fn taking_by_index() {
    let table = counting(&[3, 2]);
    same(&run("Gather", &[], &[table.clone(), i(&[2, 1], &[2, -3])]), &[2, 1, 2], &[4.0, 5.0, 0.0, 1.0]);
    same(&run("Gather", &[("axis", INT(1))], &[table.clone(), i(&[], &[-1])]), &[3], &[1.0, 3.0, 5.0]);
    let outside = run_all("Gather", &[], &[Some(table.clone()), Some(i(&[1], &[3]))]).unwrap_err();
    assert!(outside.contains("index 3 of 3"), "{outside}");
    same(
        &run("GatherElements", &[("axis", INT(1))], &[table.clone(), i(&[3, 1], &[1, 0, -1])]),
        &[3, 1],
        &[1.0, 2.0, 5.0],
    );
    same(&run("GatherND", &[], &[table.clone(), i(&[2, 2], &[0, 1, 2, 0])]), &[2], &[1.0, 4.0]);
    same(&run("GatherND", &[], &[table.clone(), i(&[1, 1], &[1])]), &[1, 2], &[2.0, 3.0]);
    let placed = run("ScatterND", &[], &[table.clone(), i(&[1, 1], &[-1]), f(&[1, 2], &[8.0, 9.0])]);
    same(&placed, &[3, 2], &[0.0, 1.0, 2.0, 3.0, 8.0, 9.0]);
    let placed = run("ScatterElements", &[("axis", INT(1))], &[table, i(&[2, 1], &[1, 0]), f(&[2, 1], &[8.0, 9.0])]);
    same(&placed, &[3, 2], &[0.0, 8.0, 9.0, 3.0, 4.0, 5.0]);
}

#[test]
fn ordering_and_counting() {
    let hot = run("OneHot", &[], &[i(&[2], &[1, -1]), i(&[], &[3]), f(&[2], &[0.0, 5.0])]);
    same(&hot, &[2, 3], &[0.0, 5.0, 0.0, 0.0, 0.0, 5.0]);
    same_ints(&run("NonZero", &[], &[f(&[2, 2], &[0.0, 3.0, 1.0, 0.0])]), &[2, 2], &[0, 1, 1, 0]);
    same_ints(&run("CumSum", &[], &[i(&[2, 2], &[1, 2, 3, 4]), i(&[], &[0])]), &[2, 2], &[1, 2, 4, 6]);
    let options = [("exclusive", INT(1)), ("reverse", INT(1))];
    same(&run("CumSum", &options, &[f(&[3], &[1.0, 2.0, 3.0]), i(&[], &[0])]), &[3], &[5.0, 3.0, 0.0]);
    let top = run_as("TopK", "", 17, 2, &[], &[Some(f(&[4], &[3.0, 9.0, 9.0, 1.0])), Some(i(&[1], &[3]))]).unwrap();
    same(&top[0], &[3], &[9.0, 9.0, 3.0]);
    same_ints(&top[1], &[3], &[1, 2, 0]);
    let top = run_as("TopK", "", 9, 2, &[("k", INT(1))], &[Some(f(&[4], &[3.0, 9.0, 9.0, 1.0]))]).unwrap();
    same_ints(&top[1], &[1], &[1]);
    let x = f(&[2, 3], &[1.0, 7.0, 7.0, 4.0, 0.0, 2.0]);
    same_ints(&run("ArgMax", &[("axis", INT(1))], &[x.clone()]), &[2, 1], &[1, 0]);
    same_ints(&run("ArgMax", &[("axis", INT(1)), ("select_last_index", INT(1))], &[x.clone()]), &[2, 1], &[2, 0]);
    same_ints(&run("ArgMin", &[("keepdims", INT(0))], &[x]), &[3], &[0, 1, 1]);
}

#[test]
fn reductions_over_axes_from_inputs_or_attributes() {
    let x = f(&[2, 2], &[1.0, -2.0, 3.0, 4.0]);
    let rows = [("axes", list(&[1])), ("keepdims", INT(0))];
    let over_rows = |op: &str| run(op, &rows, &[x.clone()]);
    same(&over_rows("ReduceMean"), &[2], &[-0.5, 3.5]);
    same(&over_rows("ReduceMax"), &[2], &[1.0, 4.0]);
    same(&over_rows("ReduceMin"), &[2], &[-2.0, 3.0]);
    same(&over_rows("ReduceProd"), &[2], &[-2.0, 12.0]);
    same(&over_rows("ReduceL1"), &[2], &[3.0, 7.0]);
    same(&over_rows("ReduceL2"), &[2], &[5.0f32.sqrt(), 5.0]);
    same(&over_rows("ReduceSumSquare"), &[2], &[5.0, 25.0]);
    same(&over_rows("ReduceLogSumExp"), &[2], &[1.048_587_4, 4.313_262]);
    same(&run("ReduceSum", &[], &[x.clone(), i(&[1], &[0])]), &[1, 2], &[4.0, 2.0]);
    same(&run("ReduceSum", &[("keepdims", INT(0))], &[x.clone()]), &[], &[6.0]);
    same(&run("ReduceSum", &[("noop_with_empty_axes", INT(1))], &[x.clone()]), &[2, 2], &[1.0, -2.0, 3.0, 4.0]);
    assert!(run_all("ReduceSum", &[], &[Some(x), Some(i(&[1], &[2]))]).unwrap_err().contains("axis 2"));
}

#[test]
fn products_of_every_rank() {
    let matrix = counting(&[2, 3]);
    same(&run("MatMul", &[], &[matrix.clone(), counting(&[3])]), &[2], &[5.0, 14.0]);
    same(&run("MatMul", &[], &[counting(&[2]), matrix.clone()]), &[3], &[3.0, 4.0, 5.0]);
    same(&run("MatMul", &[], &[counting(&[3]), counting(&[3])]), &[], &[5.0]);
    let batch = run("MatMul", &[], &[counting(&[2, 1, 3]), counting(&[3, 2])]);
    same(&batch, &[2, 1, 2], &[10.0, 13.0, 28.0, 40.0]);
    let spread = run("MatMul", &[], &[counting(&[2, 1, 1, 2]), counting(&[2, 2, 1])]);
    same(&spread, &[2, 2, 1, 1], &[1.0, 3.0, 3.0, 13.0]);
    // A turned view, as attention multiplies: [1, 2, 3, 2] seen as [1, 3, 2, 2].
    let view = counting(&[2, 3, 2, 2]).transpose(1, 2).unwrap();
    let made = run("MatMul", &[], &[view.clone(), view.transpose(2, 3).unwrap()]);
    let plain = view.contiguous().unwrap();
    let wanted = plain.matmul(&plain.transpose(2, 3).unwrap().contiguous().unwrap()).unwrap();
    same(&made, wanted.dims(), &floats(&wanted).unwrap());

    let options = [("transB", INT(1)), ("alpha", FLOAT(2.0)), ("beta", FLOAT(0.5))];
    let gemm = run("Gemm", &options, &[matrix.clone(), counting(&[2, 3]), f(&[2], &[2.0, 4.0])]);
    same(&gemm, &[2, 2], &[11.0, 30.0, 29.0, 102.0]);
    same(&run("Gemm", &[("transA", INT(1))], &[counting(&[2, 1]), matrix]), &[1, 3], &[3.0, 4.0, 5.0]);
}

#[test]
fn softmax_over_any_axis_and_over_all_that_follow_in_old_versions() {
    let x = f(&[2, 2], &[0.0, 3.0f32.ln(), 0.0, 0.0]);
    same(&run("Softmax", &[], &[x.clone()]), &[2, 2], &[0.25, 0.75, 0.5, 0.5]);
    same(&run("Softmax", &[("axis", INT(0))], &[x.clone()]), &[2, 2], &[0.5, 0.75, 0.5, 0.25]);
    same(&run("LogSoftmax", &[], &[x]), &[2, 2], &[0.25f32.ln(), 0.75f32.ln(), 0.5f32.ln(), 0.5f32.ln()]);
    let old = run_as("Softmax", "", 11, 1, &[], &[Some(f(&[1, 2, 2], &[0.0; 4]))]).unwrap();
    same(&old[0], &[1, 2, 2], &[0.25; 4]);
}

#[test]
fn normalisations_bring_rows_to_scale() {
    let x = f(&[2, 2], &[1.0, 3.0, -2.0, 2.0]);
    let (scale, bias) = (f(&[2], &[2.0, 1.0]), f(&[2], &[0.0, 10.0]));
    let epsilon = [("epsilon", FLOAT(0.0))];
    same(
        &run("LayerNormalization", &epsilon, &[x.clone(), scale.clone(), bias.clone()]),
        &[2, 2],
        &[-2.0, 11.0, -2.0, 11.0],
    );
    let over_all = [("epsilon", FLOAT(0.0)), ("axis", INT(0))];
    let ones = f(&[2, 2], &[1.0; 4]);
    let deviation = 3.5f32.sqrt();
    let wanted = [0.0, 2.0 / deviation, -3.0 / deviation, 1.0 / deviation];
    same(&run("LayerNormalization", &over_all, &[x.clone(), ones]), &[2, 2], &wanted);
    let rms = run("RMSNormalization", &epsilon, &[f(&[1, 2], &[3.0, 4.0]), f(&[2], &[1.0, 2.0])]);
    same(&rms, &[1, 2], &[3.0 / 12.5f32.sqrt(), 8.0 / 12.5f32.sqrt()]);
    let batch = run(
        "BatchNormalization",
        &epsilon,
        &[x.clone(), scale.clone(), bias.clone(), f(&[2], &[1.0, 1.0]), f(&[2], &[4.0, 1.0])],
    );
    same(&batch, &[2, 2], &[0.0, 12.0, -3.0, 11.0]);
    let image = f(&[1, 2, 1, 2], &[1.0, 3.0, -2.0, 2.0]);
    same(&run("InstanceNormalization", &epsilon, &[image, scale, bias]), &[1, 2, 1, 2], &[-2.0, 2.0, 9.0, 11.0]);
    same(&run("LpNormalization", &[], &[f(&[2], &[3.0, 4.0])]), &[2], &[0.6, 0.8]);
    let beside = [("size", INT(2)), ("alpha", FLOAT(2.0)), ("beta", FLOAT(0.5)), ("bias", FLOAT(3.0))];
    // Of an even size, one more channel after than before.
    same(&run("LRN", &beside, &[f(&[1, 3, 1], &[2.0, 3.0, 1.0])]), &[1, 3, 1], &[0.5, 3.0 / 13f32.sqrt(), 0.5]);
}

#[test]
fn convolutions_pad_step_and_group() {
    let x = counting(&[1, 1, 3, 3]);
    let ones = f(&[1, 1, 2, 2], &[1.0; 4]);
    same(&run("Conv", &[], &[x.clone(), ones.clone()]), &[1, 1, 2, 2], &[8.0, 12.0, 20.0, 24.0]);
    let biased = run(
        "Conv",
        &[("strides", list(&[2, 2])), ("pads", list(&[1, 1, 0, 0]))],
        &[x.clone(), ones.clone(), f(&[1], &[100.0])],
    );
    same(&biased, &[1, 1, 2, 2], &[100.0, 103.0, 109.0, 124.0]);
    let uneven = run("Conv", &[("strides", list(&[1, 2]))], &[x.clone(), ones.clone()]);
    same(&uneven, &[1, 1, 2, 1], &[8.0, 20.0]);
    let same_upper = run("Conv", &[("auto_pad", text("SAME_UPPER"))], &[x.clone(), ones.clone()]);
    same(&same_upper, &[1, 1, 3, 3], &[8.0, 12.0, 7.0, 20.0, 24.0, 13.0, 13.0, 15.0, 8.0]);
    let grouped = run("Conv", &[("group", INT(2))], &[counting(&[1, 2, 1, 2]), f(&[2, 1, 1, 1], &[10.0, 100.0])]);
    same(&grouped, &[1, 2, 1, 2], &[0.0, 10.0, 200.0, 300.0]);
    let signal = run("Conv", &[("dilations", list(&[2]))], &[counting(&[1, 1, 4]), f(&[1, 1, 2], &[1.0, 1.0])]);
    same(&signal, &[1, 1, 2], &[2.0, 4.0]);
    let wider = run("ConvTranspose", &[("strides", list(&[2, 2]))], &[f(&[1, 1, 1, 2], &[1.0, 2.0]), ones]);
    same(&wider, &[1, 1, 2, 4], &[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
}

/// Channels of a group and made of it, groups, the kernel's size, strides, dilations and padding.
type Convolution = (usize, usize, usize, [usize; 2], [usize; 2], [usize; 2], [usize; 4]);

/// The sum that ONNX defines, place by place.
fn by_definition(value: &Tensor, weights: &Tensor, bias: &Tensor, case: Convolution) -> (Vec<usize>, Vec<f32>) {
    let (of_group, made, groups, kernel, strides, dilations, pads) = case;
    let (batch, _, height, width) = value.dims4().unwrap();
    let (value, weights, bias) = (floats(value).unwrap(), floats(weights).unwrap(), floats(bias).unwrap());
    let places = |dim: usize, size: usize| {
        (size + pads[dim] + pads[dim + 2] - (kernel[dim] - 1) * dilations[dim] - 1) / strides[dim] + 1
    };
    let (rows, columns) = (places(0, height), places(1, width));
    let mut sums = Vec::new();
    for (sample, channel) in (0..batch).flat_map(|sample| (0..groups * made).map(move |channel| (sample, channel))) {
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let mut sum = bias[channel];
            for (read, down, across) in (0..of_group)
                .flat_map(|read| (0..kernel[0]).map(move |down| (read, down)))
                .flat_map(|(read, down)| (0..kernel[1]).map(move |across| (read, down, across)))
            {
                let from_y = (y * strides[0] + down * dilations[0]).wrapping_sub(pads[0]);
                let from_x = (x * strides[1] + across * dilations[1]).wrapping_sub(pads[1]);
                if from_y < height && from_x < width {
                    let plane = (sample * groups + channel / made) * of_group + read;
                    sum += value[(plane * height + from_y) * width + from_x]
                        * weights[((channel * of_group + read) * kernel[0] + down) * kernel[1] + across];
                }
            }
            sums.push(sum);
        }
    }
    (vec![batch, groups * made, rows, columns], sums)
}

#[test]
fn a_convolution_is_the_sum_that_onnx_defines() {
    let numbers = |shape: &[usize], by: usize| {
        let count: usize = shape.iter().product();
        f(shape, &(0..count).map(|place| (place * by % 17) as f32 - 8.0).collect::<Vec<_>>())
    };
    let cases: [Convolution; 12] = [
        // Few channels in a group.
        (1, 1, 3, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
        (1, 2, 3, [3, 3], [2, 2], [1, 1], [1, 1, 1, 1]),
        (2, 1, 3, [5, 2], [1, 3], [1, 2], [0, 2, 3, 1]),
        (4, 3, 3, [1, 7], [2, 1], [1, 1], [0, 3, 0, 3]),
        (1, 1, 3, [2, 2], [3, 3], [4, 4], [5, 5, 0, 9]),
        (3, 1, 3, [9, 9], [1, 1], [1, 1], [4, 4, 4, 4]),
        // Many, or one group only.
        (8, 8, 3, [3, 3], [1, 2], [1, 1], [1, 1, 1, 1]),
        (3, 5, 1, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
        (6, 4, 1, [1, 1], [1, 1], [1, 1], [0, 0, 0, 0]),
        (6, 4, 2, [1, 1], [2, 1], [1, 1], [0, 1, 0, 0]),
        (5, 2, 2, [2, 4], [2, 3], [3, 1], [2, 0, 4, 7]),
        (2, 3, 1, [1, 2], [1, 5], [1, 9], [0, 11, 0, 12]),
    ];
    for case in cases {
        let (of_group, made, groups, kernel, strides, dilations, pads) = case;
        let value = numbers(&[2, groups * of_group, 7, 6], 5);
        let weights = numbers(&[groups * made, of_group, kernel[0], kernel[1]], 3);
        let bias = numbers(&[groups * made], 7);
        let ints = |sizes: &[usize]| list(&sizes.iter().map(|size| *size as i64).collect::<Vec<_>>());
        let attributes = [
            ("strides", ints(&strides)),
            ("dilations", ints(&dilations)),
            ("pads", ints(&pads)),
            ("group", INT(groups as i64)),
        ];
        let (shape, wanted) = by_definition(&value, &weights, &bias, case);
        assert!(wanted.iter().any(|number| *number != wanted[0]), "{case:?}");
        same(&run("Conv", &attributes, &[value.clone(), weights.clone(), bias.clone()]), &shape, &wanted);
        // candle's own kernels take f64.
        for format in [DType::F16, DType::BF16, DType::F64] {
            let narrow = |tensor: &Tensor| tensor.to_dtype(format).unwrap();
            let made = run("Conv", &attributes, &[narrow(&value), narrow(&weights), narrow(&bias)]);
            assert_eq!((made.dtype(), made.dims()), (format, &shape[..]));
            let made = floats(&made).unwrap();
            let far = made.iter().zip(&wanted).map(|(a, b)| (a - b).abs() / b.abs().max(8.0)).fold(0.0, f32::max);
            assert!(far < 0.02, "{format:?} {case:?}");
        }
    }
    // Columns are laid out in several parts, which begin and end within rows of the result.
    let case = (200, 2, 1, [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]);
    let (value, weights) = (numbers(&[1, 200, 17, 13], 5), numbers(&[2, 200, 3, 3], 3));
    let (shape, wanted) = by_definition(&value, &weights, &f(&[2], &[0.0; 2]), case);
    same(&run("Conv", &[("pads", list(&[1; 4]))], &[value, weights]), &shape, &wanted);
    let signal = [("group", INT(2)), ("strides", list(&[2])), ("pads", list(&[1, 0]))];
    let made = run("Conv", &signal, &[counting(&[1, 2, 4]), f(&[2, 1, 2], &[1.0, 10.0, 2.0, 20.0])]);
    same(&made, &[1, 2, 2], &[0.0, 21.0, 80.0, 130.0]);
    let refused = run_all("Conv", &[("group", INT(2))], &[Some(counting(&[1, 3, 4])), Some(counting(&[2, 1, 2]))]);
    assert!(refused.unwrap_err().contains("3 channels in 2 groups"));
    let refused = run_all("Conv", &[("group", INT(0))], &[Some(counting(&[1, 3, 4])), Some(counting(&[2, 1, 2]))]);
    assert!(refused.unwrap_err().contains("0 groups"));
    let empty = run_all("Conv", &[], &[Some(counting(&[1, 3, 4])), Some(counting(&[2, 3, 0]))]);
    assert!(empty.unwrap_err().contains("empty kernel"));
}

#[test]
fn integers_are_convolved_from_their_zero_points() {
    let (x, w) = (b(&[1, 1, 2, 2], &[5, 6, 7, 9]), b(&[2, 1, 2, 2], &[1, 2, 3, 4, 0, 0, 1, 3]));
    same_ints(&run("ConvInteger", &[], &[x.clone(), w.clone()]), &[1, 2, 1, 1], &[74, 34]);
    let centred = run("ConvInteger", &[], &[x.clone(), w.clone(), b(&[], &[5]), b(&[2], &[2, 1])]);
    same_ints(&centred, &[1, 2, 1, 1], &[10, 7]);
    // What is added around is zero after the zero point is taken away.
    let padded = run("ConvInteger", &[("pads", list(&[1, 1, 0, 0]))], &[x, w.narrow(0, 0, 1).unwrap(), b(&[], &[5])]);
    same_ints(&padded, &[1, 1, 2, 2], &[0, 4, 8, 24]);
}

#[test]
fn recurrent_layers_step_forwards_and_backwards() {
    // One number wide, so that each step can be written down.
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let (read, of_state, bias) = ([0.5, -0.4, 0.3, 0.8], [0.1, 0.2, -0.3, 0.4], [0.05, 0.1, 0.2, -0.1]);
    let lstm = |x: f32, (hidden, cell): (f32, f32)| {
        let gate = |index: usize| read[index] * x + of_state[index] * hidden + bias[index];
        let cell = sigmoid(gate(2)) * cell + sigmoid(gate(0)) * gate(3).tanh();
        (sigmoid(gate(1)) * cell.tanh(), cell)
    };
    let xs = [1.0, -2.0, 0.5];
    let forwards = xs.iter().scan((0.0, 0.0), |state, x| {
        *state = lstm(*x, *state);
        Some(*state)
    });
    let mut backwards: Vec<(f32, f32)> = xs
        .iter()
        .rev()
        .scan((0.0, 0.0), |state, x| {
            *state = lstm(*x, *state);
            Some(*state)
        })
        .collect();
    backwards.reverse();
    let forwards: Vec<(f32, f32)> = forwards.collect();
    let twice = |numbers: &[f32]| [numbers, numbers].concat();
    let inputs: Vec<Option<Tensor>> = vec![
        Some(f(&[3, 1, 1], &xs)),
        Some(f(&[2, 4, 1], &twice(&read))),
        Some(f(&[2, 4, 1], &twice(&of_state))),
        Some(f(&[2, 8], &twice(&[&bias[..], &[0.0; 4]].concat()))),
    ];
    let both = [("direction", text("bidirectional")), ("hidden_size", INT(1))];
    let made = run_as("LSTM", "", 17, 3, &both, &inputs).unwrap();
    let wanted: Vec<f32> = forwards.iter().zip(&backwards).flat_map(|(f, b)| [f.0, b.0]).collect();
    same(&made[0], &[3, 2, 1, 1], &wanted);
    same(&made[1], &[2, 1, 1], &[forwards[2].0, backwards[0].0]);
    same(&made[2], &[2, 1, 1], &[forwards[2].1, backwards[0].1]);
    // The batch first, and from a state that is given.
    let mut given: Vec<Option<Tensor>> = vec![
        Some(f(&[1, 3, 1], &xs)),
        Some(f(&[1, 4, 1], &read)),
        Some(f(&[1, 4, 1], &of_state)),
        Some(f(&[1, 8], &[&bias[..], &[0.0; 4]].concat())),
        Some(i(&[1], &[3])),
        Some(f(&[1, 1, 1], &[0.7])),
        Some(f(&[1, 1, 1], &[-0.2])),
    ];
    let made = run_as("LSTM", "", 17, 3, &[("layout", INT(1))], &given).unwrap();
    let wanted = xs.iter().fold((0.7, -0.2), |state, x| lstm(*x, state));
    assert_eq!(made[0].dims(), [1, 3, 1, 1]);
    same(&made[1], &[1, 1, 1], &[wanted.0]);
    same(&made[2], &[1, 1, 1], &[wanted.1]);
    given[4] = Some(i(&[1], &[2]));
    assert!(run_as("LSTM", "", 17, 3, &[("layout", INT(1))], &given).unwrap_err().contains("different lengths"));
    assert!(run_as("LSTM", "", 17, 3, &[("input_forget", INT(1))], &given).unwrap_err().contains("coupled"));

    for reset_after in [false, true] {
        let gru = |x: f32, hidden: f32| {
            let of_x = |index: usize| read[index] * x + bias[index];
            let update = sigmoid(of_x(0) + of_state[0] * hidden);
            let reset = sigmoid(of_x(1) + of_state[1] * hidden);
            let of_hidden =
                if reset_after { reset * (of_state[2] * hidden + 0.6) } else { of_state[2] * reset * hidden + 0.6 };
            update * hidden + (1.0 - update) * (of_x(2) + of_hidden).tanh()
        };
        let inputs: Vec<Option<Tensor>> = vec![
            Some(f(&[3, 1, 1], &xs)),
            Some(f(&[1, 3, 1], &read[..3])),
            Some(f(&[1, 3, 1], &of_state[..3])),
            Some(f(&[1, 6], &[bias[0], bias[1], bias[2], 0.0, 0.0, 0.6])),
        ];
        let attributes = [("linear_before_reset", INT(i64::from(reset_after)))];
        let made = run_as("GRU", "", 17, 2, &attributes, &inputs).unwrap();
        let wanted: Vec<f32> = xs
            .iter()
            .scan(0.0, |hidden, x| {
                *hidden = gru(*x, *hidden);
                Some(*hidden)
            })
            .collect();
        same(&made[0], &[3, 1, 1, 1], &wanted);
        same(&made[1], &[1, 1, 1], &wanted[2..]);
    }
}

#[test]
fn pooling_leaves_padding_out_of_means() {
    let x = counting(&[1, 1, 3, 3]);
    let window = |more: &[(&'static str, Attribute)]| [&[("kernel_shape", list(&[2, 2]))], more].concat();
    same(&run("MaxPool", &window(&[]), &[x.clone()]), &[1, 1, 2, 2], &[4.0, 5.0, 7.0, 8.0]);
    let padded = window(&[("pads", list(&[1, 1, 0, 0])), ("strides", list(&[2, 2]))]);
    same(&run("MaxPool", &padded, &[x.clone()]), &[1, 1, 2, 2], &[0.0, 2.0, 6.0, 8.0]);
    same(&run("AveragePool", &padded, &[x.clone()]), &[1, 1, 2, 2], &[0.0, 1.5, 4.5, 6.0]);
    let counted = [&padded[..], &[("count_include_pad", INT(1))]].concat();
    same(&run("AveragePool", &counted, &[x.clone()]), &[1, 1, 2, 2], &[0.0, 0.75, 2.25, 6.0]);
    let up = window(&[("strides", list(&[2, 2])), ("ceil_mode", INT(1))]);
    same(&run("MaxPool", &up, &[x.clone()]), &[1, 1, 2, 2], &[4.0, 5.0, 7.0, 8.0]);
    same(&run("GlobalAveragePool", &[], &[x.clone()]), &[1, 1, 1, 1], &[4.0]);
    same(&run("GlobalMaxPool", &[], &[x]), &[1, 1, 1, 1], &[8.0]);
    let signal = run("MaxPool", &[("kernel_shape", list(&[2])), ("strides", list(&[2]))], &[counting(&[1, 1, 4])]);
    same(&signal, &[1, 1, 2], &[1.0, 3.0]);
}

#[test]
fn images_grow_by_the_nearest_place_in_a_straight_line_or_a_curve() {
    let x = counting(&[1, 1, 1, 2]);
    let grown = run_all("Resize", &[], &[Some(x.clone()), None, Some(f(&[4], &[1.0, 1.0, 2.0, 2.0]))]).unwrap();
    same(&grown[0], &[1, 1, 2, 4], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    let tens = [Some(counting(&[1, 1, 1, 10])), None, Some(f(&[4], &[1.0, 1.0, 1.0, 0.7]))];
    assert_eq!(run_all("Resize", &[], &tens).unwrap()[0].dims(), [1, 1, 1, 7]);
    let sized = |mode: &str, how: &str, x: &Tensor, width: i64| {
        let attributes = [("mode", text(mode)), ("coordinate_transformation_mode", text(how))];
        run_all("Resize", &attributes, &[Some(x.clone()), None, None, Some(i(&[4], &[1, 1, 1, width]))])
            .unwrap()
            .remove(0)
    };
    same(&sized("nearest", "asymmetric", &x, 3), &[1, 1, 1, 3], &[0.0, 1.0, 1.0]);
    same(&sized("linear", "half_pixel", &x, 4), &[1, 1, 1, 4], &[0.0, 0.25, 0.75, 1.0]);
    same(&sized("linear", "align_corners", &x, 3), &[1, 1, 1, 3], &[0.0, 0.5, 1.0]);
    let curve = sized("cubic", "align_corners", &counting(&[1, 1, 1, 3]), 5);
    same(&curve, &[1, 1, 1, 5], &[0.0, 0.40625, 1.0, 1.59375, 2.0]);
    let scales = [("scales", Attribute::Floats(vec![1.0, 1.0, 1.0, 2.0]))];
    let old = run_as("Upsample", "", 7, 1, &scales, &[Some(x.clone())]).unwrap();
    same(&old[0], &[1, 1, 1, 4], &[0.0, 0.0, 1.0, 1.0]);
    let smooth = run_all("Resize", &[("antialias", INT(1))], &[Some(x), None, None, Some(i(&[4], &[1, 1, 1, 1]))]);
    assert!(smooth.unwrap_err().contains("smoothing"));
}

#[test]
fn a_convolution_may_run_over_time_too() {
    let x = counting(&[1, 1, 2, 2, 2]);
    let ones = f(&[1, 1, 2, 2, 2], &[1.0; 8]);
    same(&run("Conv", &[], &[x.clone(), ones.clone()]), &[1, 1, 1, 1, 1], &[28.0]);
    let apart = [("strides", list(&[2, 1, 1])), ("pads", list(&[1, 0, 0, 1, 0, 0]))];
    same(&run("Conv", &apart, &[x, ones]), &[1, 1, 2, 1, 1], &[6.0, 22.0]);
}

#[test]
fn what_is_not_there_is_named() {
    assert_eq!(run_all("NonMaxSuppression", &[], &[]).unwrap_err(), "the operator NonMaxSuppression");
    assert_eq!(
        run_as("Attention", "com.microsoft", 17, 1, &[], &[]).unwrap_err(),
        "the operator com.microsoft.Attention"
    );
    let mask = run_as("Dropout", "", 17, 2, &[], &[]).unwrap_err();
    assert!(mask.contains("y1") && mask.contains("Dropout"), "{mask}");
    let apart = run_as("BatchNormalization", "", 7, 1, &[("spatial", INT(0))], &[]).unwrap_err();
    assert!(apart.contains("each place in the operator BatchNormalization"), "{apart}");
}
