use super::*;
use crate::{Libraries, backend::Loaded};
use contract::DeviceId;
use models::{Content, Dimension, Initializer, Node, Value};
use std::{collections::BTreeMap, path::PathBuf};

/// The library of this machine, or a sentence in the test's output.
fn library() -> Option<PathBuf> {
    let builds = Libraries::find(&[]).builds("onnxruntime");
    let library = builds.into_iter().find(|build| build.engine.0 == "onnxruntime").map(|build| build.library);
    if library.is_none() {
        println!("skipped: ONNX Runtime has no library here");
    }
    library
}

fn request(library: &Path, model: &Path) -> LoadRequest {
    LoadRequest {
        engine: "onnxruntime".into(),
        device: "cpu".into(),
        library: Some(library.to_owned()),
        model: model.to_owned(),
        precision: Precision::F32,
        threads: Some(1),
        dims: BTreeMap::from([("rows".to_owned(), 3)]),
    }
}

/// y = x · w with w = [[1, 2], [3, 4]] in an element.
fn product(element: Element, path: &Path) {
    let weights: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0]
        .into_iter()
        .flat_map(|value| match element {
            Element::F16 => half::f16::from_f32(value).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        })
        .collect();
    let value = |name: &str| Value {
        name: name.to_owned(),
        element,
        shape: vec![Dimension::Free("rows".to_owned()), Dimension::Fixed(2)],
    };
    let graph = Graph {
        opset: 17,
        inputs: vec![value("x")],
        outputs: vec![value("y")],
        nodes: vec![Node {
            name: "product".to_owned(),
            op: "MatMul".to_owned(),
            inputs: vec!["x".to_owned(), "w".to_owned()],
            outputs: vec!["y".to_owned()],
            ..Node::default()
        }],
        initializers: vec![Initializer {
            name: "w".to_owned(),
            element,
            shape: vec![2, 2],
            content: Content::Ready(weights.into()),
        }],
        ..Graph::default()
    };
    graph.write(path).unwrap();
}

fn error(loaded: Result<Box<dyn Loaded>, BackendError>) -> String {
    loaded.err().unwrap().to_string()
}

#[test]
fn a_missing_library_is_named_with_the_remedy() {
    let status = OnnxRuntime.status(&"onnxruntime".into(), None);
    let Availability::Missing { reason, remedy } = &status.availability else { panic!("{status:?}") };
    assert!(reason.contains("not found"), "{reason}");
    assert!(remedy.contains("the libraries folder as onnxruntime"), "{remedy}");
    assert_eq!(status.targets.len(), Provider::ALL.len());
    assert!(status.targets.iter().all(|target| !target.availability.is_ready()));
}

#[test]
fn a_file_that_is_no_library_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so");
    std::fs::write(&file, b"not a library").unwrap();
    let status = OnnxRuntime.status(&"onnxruntime".into(), Some(&file));
    let Availability::Missing { reason, .. } = &status.availability else { panic!("{status:?}") };
    assert!(reason.contains("libonnxruntime.so"), "{reason}");
}

#[test]
fn the_processor_is_ready_and_what_the_build_lacks_says_so() {
    let Some(library) = library() else { return };
    let status = OnnxRuntime.status(&"onnxruntime".into(), Some(&library));
    assert!(status.availability.is_ready(), "{status:?}");
    assert!(status.version.as_deref().is_some_and(|version| version.starts_with("1.")));
    let cpu = status.targets.iter().find(|target| target.device.0 == "cpu").unwrap();
    assert!(cpu.availability.is_ready() && cpu.precisions.contains(&Precision::F32), "{cpu:?}");
    for target in status.targets.iter().filter(|target| !target.availability.is_ready()) {
        let Availability::Missing { reason, remedy } = &target.availability else { unreachable!() };
        assert!(!reason.is_empty() && !remedy.is_empty(), "{target:?}");
    }
}

#[test]
fn a_product_comes_out_and_is_placed() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    product(Element::F32, &path);
    let mut session = OnnxRuntime.load(&request(&library, &path)).unwrap().compile().unwrap();
    let variant = |shift: f32| vec![Tensor::from_f32s("x", &[3, 2], &[1.0 + shift, 0.0, 0.0, 1.0, 1.0, 1.0])];
    session.set_inputs(vec![variant(0.0), variant(1.0)]).unwrap();
    session.call(0).unwrap();
    assert_eq!(session.outputs().unwrap()[0].f32s(), [1.0, 2.0, 3.0, 4.0, 4.0, 6.0]);
    session.call(1).unwrap();
    assert_eq!(session.outputs().unwrap()[0].f32s(), [2.0, 4.0, 3.0, 4.0, 4.0, 6.0]);

    let placement = session.placement().unwrap().unwrap();
    assert_eq!((placement.node_share, placement.mac_share), (1.0, Some(1.0)));
    assert_eq!(placement.parts[0].macs, Some(3 * 2 * 2));
    assert_eq!(session.facts().precision, Some(Precision::F32));
    session.call(0).unwrap();
    assert_eq!(session.outputs().unwrap()[0].f32s()[0], 1.0);
}

#[test]
fn half_precision_on_the_processor_is_reported_as_what_ran() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    product(Element::F16, &path);
    let mut half = request(&library, &path);
    half.precision = Precision::F16;
    let mut session = OnnxRuntime.load(&half).unwrap().compile().unwrap();
    let bytes =
        [1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0].into_iter().flat_map(|v| half::f16::from_f32(v).to_le_bytes()).collect();
    let x = Tensor { name: "x".to_owned(), element: Element::F16, shape: vec![3, 2], bytes };
    session.set_inputs(vec![vec![x]]).unwrap();
    session.call(0).unwrap();
    session.placement().unwrap();
    let facts = session.facts();
    assert!(facts.precision.is_some(), "{facts:?}");
    let ran = if facts.precision_source.contains("float16") { Precision::F16 } else { Precision::F32 };
    assert_eq!(facts.precision, Some(ran), "{facts:?}");
}

#[test]
fn broken_files_unknown_devices_and_missing_inputs_are_errors() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, b"no model at all").unwrap();
    assert!(error(OnnxRuntime.load(&request(&library, &path))).contains("reading the model"));
    assert!(error(OnnxRuntime.load(&request(&library, &folder.path().join("gone.onnx")))).contains("gone.onnx"));

    product(Element::F32, &path);
    let elsewhere = LoadRequest { device: DeviceId::from("vulkan:7"), ..request(&library, &path) };
    assert!(error(OnnxRuntime.load(&elsewhere)).contains("no device called vulkan:7"));

    let mut session = OnnxRuntime.load(&request(&library, &path)).unwrap().compile().unwrap();
    let error = session.set_inputs(vec![vec![]]).unwrap_err().to_string();
    assert!(error.contains("input x"), "{error}");
    assert!(session.call(0).is_err());
    let flat = Tensor::from_f32s("x", &[3, 5], &[0.0; 15]);
    session.set_inputs(vec![vec![flat]]).unwrap();
    assert!(session.call(0).unwrap_err().to_string().contains("running the model"));
}
