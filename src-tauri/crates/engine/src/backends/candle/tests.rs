use super::*;
use models::{Attribute, Content, Dimension, Element, Initializer, Node, Value};
use std::collections::BTreeMap;

fn request(model: &Path) -> LoadRequest {
    LoadRequest {
        engine: "candle".into(),
        device: "cpu".into(),
        library: None,
        model: model.to_owned(),
        precision: Precision::F32,
        threads: None,
        dims: BTreeMap::new(),
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> Node {
    Node {
        name: format!("{output}'s {op}"),
        op: op.to_owned(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        outputs: vec![output.to_owned()],
        ..Node::default()
    }
}

fn value(name: &str, element: Element) -> Value {
    Value { name: name.to_owned(), element, shape: vec![Dimension::Fixed(2)] }
}

fn graph(nodes: Vec<Node>, output: Element) -> Graph {
    Graph {
        opset: 17,
        inputs: vec![value("x", Element::F32)],
        outputs: vec![value("y", output)],
        nodes,
        initializers: vec![Initializer {
            name: "w".to_owned(),
            element: Element::F32,
            shape: vec![2],
            content: Content::Ready(Tensor::from_f32s("w", &[2], &[3.0, 4.0]).bytes.into()),
        }],
        ..Graph::default()
    }
}

fn run(graph: &Graph, x: &[f32]) -> Result<Vec<Tensor>, BackendError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    graph.write(&path).unwrap();
    let mut session = Candle.load(&request(&path))?.compile()?;
    session.set_inputs(vec![vec![Tensor::from_f32s("x", &[x.len()], x)]])?;
    session.call(0)?;
    session.outputs()
}

#[test]
fn constants_are_folded_and_results_keep_their_declared_format() {
    let square = graph(
        vec![node("Mul", &["w", "w"], "ww"), node("Add", &["x", "ww"], "s"), node("Less", &["x", "w"], "y")],
        Element::Bool,
    );
    let outputs = run(&square, &[1.0, 5.0]).unwrap();
    assert_eq!((outputs[0].element, outputs[0].bytes.as_slice()), (Element::Bool, &[1u8, 0][..]));
}

#[test]
fn a_value_is_kept_until_its_last_reader() {
    let nodes = vec![
        node("Add", &["x", "w"], "a"),
        node("Mul", &["a", "a"], "b"),
        node("Neg", &["b"], "c"),
        node("Add", &["c", "a"], "y"),
    ];
    assert_eq!(run(&graph(nodes, Element::F32), &[1.0, 0.0]).unwrap()[0].f32s(), [-12.0, -12.0]);
}

/// Where the first number is less than that of w: −(x + w), else x · w; a branch within the one, values from around in both.
fn branching(lacking: &str) -> Graph {
    let branch = |nodes: Vec<Node>, made: &str| {
        let outputs = vec![Value { name: made.to_owned(), element: Element::F32, shape: vec![] }];
        Attribute::Graph(Box::new(Graph { nodes, outputs, ..Graph::default() }))
    };
    let when = |inputs: &[&str], output: &str, branches: [Attribute; 2]| Node {
        attributes: ["then_branch", "else_branch"].map(str::to_owned).into_iter().zip(branches).collect(),
        ..node("If", inputs, output)
    };
    let inner = when(
        &["is_less"],
        "inner",
        [
            branch(vec![node("Neg", &["sum"], "negated")], "negated"),
            branch(vec![node(lacking, &["w"], "never")], "never"),
        ],
    );
    let met = branch(vec![inner], "inner");
    let otherwise = branch(vec![node("Mul", &["x", "w"], "product")], "product");
    let first = |name: &str, output: &str| Node {
        attributes: [("keepdims".to_owned(), Attribute::Int(0))].into(),
        ..node("ReduceMax", &[name], output)
    };
    graph(
        vec![
            node("Add", &["x", "w"], "sum"),
            first("x", "largest"),
            first("w", "most"),
            node("Less", &["largest", "most"], "is_less"),
            when(&["is_less"], "y", [met, otherwise]),
        ],
        Element::F32,
    )
}

#[test]
fn a_branch_is_taken_and_reads_what_is_around_it() {
    let graph = branching("Abs");
    assert_eq!(run(&graph, &[1.0, 2.0]).unwrap()[0].f32s(), [-4.0, -6.0]);
    assert_eq!(run(&graph, &[1.0, 5.0]).unwrap()[0].f32s(), [3.0, 20.0]);
    let error = run(&branching("Frobnicate"), &[1.0, 2.0]).unwrap_err().to_string();
    assert!(error.contains("the operator Frobnicate"), "{error}");
}

#[test]
fn every_operator_that_is_lacking_is_named_at_once() {
    let nodes = vec![node("Frobnicate", &["x"], "a"), node("Scan", &["a"], "y")];
    let error = run(&graph(nodes, Element::F32), &[1.0, 2.0]).unwrap_err().to_string();
    assert!(error.contains("the operator Frobnicate, the operator Scan"), "{error}");
}

#[test]
fn rounding_to_other_than_8_bits_is_refused() {
    let rounded = |zero: Option<Element>, output_dtype: i64| {
        let attributes = [("output_dtype".to_owned(), Attribute::Int(output_dtype))].into();
        let inputs: &[&str] = if zero.is_some() { &["x", "step", "zero"] } else { &["x", "step"] };
        let node = Node { attributes, ..node("QuantizeLinear", inputs, "y") };
        let mut graph = graph(vec![node], zero.unwrap_or(Element::U8));
        let number = |name: &str, element: Element, bytes: Vec<u8>| Initializer {
            name: name.to_owned(),
            element,
            shape: vec![],
            content: Content::Ready(bytes.into()),
        };
        graph.initializers.push(number("step", Element::F32, 0.5f32.to_le_bytes().to_vec()));
        graph.initializers.extend(zero.map(|element| number("zero", element, vec![0; element.size()])));
        run(&graph, &[1.0, -200.0]).map(|outputs| outputs[0].bytes.clone()).map_err(|error| error.to_string())
    };
    assert_eq!(rounded(None, 0), Ok(vec![2, 0]));
    assert_eq!(rounded(Some(Element::U8), Element::U8.onnx_code().into()), Ok(vec![2, 0]));
    assert_eq!(rounded(Some(Element::I8), 0), Ok(vec![2, 128]), "the last byte is -128");
    let wide = i64::from(Element::U16.onnx_code());
    for (zero, output_dtype) in
        [(Some(Element::I16), 0), (Some(Element::I4), 0), (None, wide), (Some(Element::U8), wide)]
    {
        let refusal = rounded(zero, output_dtype).unwrap_err();
        assert!(refusal.contains("numbers of other than 8 bits in the operator QuantizeLinear"), "{refusal}");
    }
    let refusal = rounded(None, Element::I8.onnx_code().into()).unwrap_err();
    assert!(refusal.contains("signed numbers without a zero point"), "{refusal}");
    let nodes = vec![node("Neg", &["x"], "zero"), node("QuantizeLinear", &["x", "w", "zero"], "y")];
    let refusal = run(&graph(nodes, Element::U8), &[1.0, 2.0]).unwrap_err().to_string();
    assert!(refusal.contains("a zero point of a format that the graph does not say"), "{refusal}");
    let cast_to = |element: Element| {
        let attributes = [("to".to_owned(), Attribute::Int(element.onnx_code().into()))].into();
        let cast = Node { attributes, ..node("Cast", &["w"], "cast") };
        let nodes = vec![cast, node("Identity", &["cast"], "zero"), node("QuantizeLinear", &["x", "w", "zero"], "y")];
        Plan::check(&graph(nodes, Element::U8)).is_ok()
    };
    assert!(cast_to(Element::I8) && !cast_to(Element::I16));
}

#[test]
fn a_node_that_fails_is_named() {
    let nodes = vec![node("MatMul", &["x", "w"], "a"), node("Add", &["a", "x"], "y")];
    let error = run(&graph(nodes, Element::F32), &[1.0, 2.0, 3.0]).unwrap_err().to_string();
    assert!(error.contains("a's MatMul"), "{error}");
}

#[test]
fn an_unknown_device_a_broken_file_and_a_missing_input_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, b"no model at all").unwrap();
    assert!(Candle.load(&request(&path)).is_err());
    graph(vec![node("Add", &["x", "w"], "y")], Element::F32).write(&path).unwrap();
    let elsewhere = LoadRequest { device: "openvino:NPU".into(), ..request(&path) };
    assert!(Candle.load(&elsewhere).err().unwrap().to_string().contains("no device called openvino:NPU"));
    let mut session = Candle.load(&request(&path)).unwrap().compile().unwrap();
    assert!(session.set_inputs(vec![vec![]]).unwrap_err().to_string().contains("input x"));
    assert!(session.call(3).unwrap_err().to_string().contains("variant 3"));
}

#[test]
fn halves_that_the_processor_widens_ran_in_f32() {
    let with =
        |node: Node, name: &str, value: Attribute| Node { attributes: [(name.to_owned(), value)].into(), ..node };
    let cast = |from: &str, to: &str, element: Element| {
        with(node("Cast", &[from], to), "to", Attribute::Int(element.onnx_code().into()))
    };
    let ran = |op: &str, axes: &[i64], element: Element| {
        let nodes = vec![
            with(node("Unsqueeze", &["x"], "wide"), "axes", Attribute::Ints(axes.to_vec())),
            cast("wide", "narrow", element),
            node(op, &["narrow", "narrow"], "made"),
            cast("made", "y", Element::F32),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        graph(nodes, Element::F32).write(&path).unwrap();
        let mut session = Candle.load(&request(&path)).unwrap().compile().unwrap();
        session.set_inputs(vec![vec![Tensor::from_f32s("x", &[2], &[1.0, 2.0])]]).unwrap();
        session.placement().unwrap();
        session.facts()
    };
    let product = ran("MatMul", &[], Element::F16);
    let in_f16 = if multiplies_f16() { Precision::F16 } else { Precision::F32 };
    assert_eq!(product.precision, Some(in_f16), "{}", product.precision_source);
    assert_eq!(product.precision_source.contains("widens"), !multiplies_f16());
    let convolution = ran("Conv", &[0, 1], Element::F16);
    assert_eq!(convolution.precision, Some(Precision::F32), "{}", convolution.precision_source);
    assert_eq!(ran("MatMul", &[], Element::F32).precision, Some(Precision::F32));
    let elsewhere = effective(Work { format: DType::F16, convolves: true }, false);
    assert_eq!(elsewhere.0, Some(Precision::F16), "{}", elsewhere.1);
}

#[test]
fn the_version_is_the_one_that_was_built_in() {
    assert!(version().is_some_and(|version| version.starts_with("0.")));
}

#[test]
fn devices_this_build_lacks_are_listed_with_the_remedy() {
    let status = Candle.status(&"candle".into(), None);
    assert_eq!(status.targets.len(), 3);
    assert!(status.targets[0].availability.is_ready());
    for target in status.targets.iter().filter(|target| !target.availability.is_ready()) {
        let Availability::Missing { remedy, .. } = &target.availability else { unreachable!() };
        assert!(!remedy.is_empty());
    }
}
