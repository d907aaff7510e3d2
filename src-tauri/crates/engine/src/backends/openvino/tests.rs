use super::*;
use crate::Libraries;
use models::{Content, Dimension, Initializer, Node, Value};
use std::collections::BTreeMap;

/// The library of this machine, or a sentence in the test's output.
fn library() -> Option<PathBuf> {
    let library = Libraries::find(&[]).builds("openvino").into_iter().next().map(|build| build.library);
    if library.is_none() {
        println!("skipped: OpenVINO has no library here");
    }
    library
}

fn request(library: &Path, model: &Path) -> LoadRequest {
    LoadRequest {
        engine: "openvino".into(),
        device: "cpu".into(),
        library: Some(library.to_owned()),
        model: model.to_owned(),
        precision: Precision::F32,
        threads: Some(1),
        dims: BTreeMap::from([("rows".to_owned(), 2)]),
    }
}

/// y = x + [1, 2]
fn sum(path: &Path) {
    let value = |name: &str| Value {
        name: name.to_owned(),
        element: Element::F32,
        shape: vec![Dimension::Free("rows".to_owned()), Dimension::Fixed(2)],
    };
    let graph = Graph {
        opset: 17,
        inputs: vec![value("x")],
        outputs: vec![value("y")],
        nodes: vec![Node {
            name: "sum".to_owned(),
            op: "Add".to_owned(),
            inputs: vec!["x".to_owned(), "w".to_owned()],
            outputs: vec!["y".to_owned()],
            ..Node::default()
        }],
        initializers: vec![Initializer {
            name: "w".to_owned(),
            element: Element::F32,
            shape: vec![2],
            content: Content::Ready(Tensor::from_f32s("w", &[2], &[1.0, 2.0]).bytes.into()),
        }],
        ..Graph::default()
    };
    graph.write(path).unwrap();
}

#[test]
fn a_missing_library_is_named_with_the_remedy() {
    let status = OpenVino.status(&"openvino".into(), None);
    let Availability::Missing { reason, remedy } = &status.availability else { panic!("{status:?}") };
    assert!(reason.contains("not found") && remedy.contains("the libraries folder as openvino"), "{status:?}");
    assert_eq!(status.targets.len(), KINDS.len());
}

#[test]
fn a_sum_comes_out_with_its_facts() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    sum(&path);
    let mut session = OpenVino.load(&request(&library, &path)).unwrap().compile().unwrap();
    let variant = |first: f32| vec![Tensor::from_f32s("x", &[2, 2], &[first, 0.0, 0.0, 0.0])];
    session.set_inputs(vec![variant(5.0), variant(7.0)]).unwrap();
    session.call(1).unwrap();
    let outputs = session.outputs().unwrap();
    assert_eq!((outputs[0].name.as_str(), outputs[0].f32s()), ("y", vec![8.0, 2.0, 1.0, 2.0]));
    let facts = session.facts();
    assert_eq!((facts.precision, facts.threads), (Some(Precision::F32), Some(1)));
    assert!(!facts.engine_version.is_empty() && facts.device_name.is_some_and(|name| !name.is_empty()));
    assert_eq!(facts.device_memory_bytes, None, "the processor has no memory of its own");
    let placement = session.placement().unwrap().unwrap();
    assert_eq!((placement.node_share, placement.parts[0].nodes), (1.0, 1));
}

#[test]
fn the_device_that_a_kind_stands_for_is_the_one_asked_for() {
    for (named, asked) in [("CPU", "CPU"), ("GPU.0", "GPU"), ("GPU.1", "GPU.1"), ("NPU.3720", "NPU")] {
        assert!(is_asked(named, asked), "{named} for {asked}");
    }
    for (named, asked) in [("CPU", "GPU"), ("GPU.0", "GPU.1"), ("GPU.10", "GPU.1"), ("GPU", "GPU.0"), ("", "CPU")] {
        assert!(!is_asked(named, asked), "{named} for {asked}");
    }
}

#[test]
fn memory_of_the_device_is_summed_without_the_computers_own() {
    assert_eq!(device_bytes("{cl_mem:10,unknown:0,usm_device:4096,usm_host:64,usm_shared:1}"), Some(4107));
    for odd in ["", "{}", "{cl_mem}", "{cl_mem:many}", "4096"] {
        assert_eq!(device_bytes(odd), None, "{odd}");
    }
}

#[test]
fn the_devices_are_the_librarys_own() {
    let Some(library) = library() else { return };
    let status = OpenVino.status(&"openvino".into(), Some(&library));
    assert!(status.availability.is_ready(), "{status:?}");
    for name in &status.offers {
        assert!(
            status.targets.iter().any(|target| plugin_name(&target.device) == *name && target.availability.is_ready())
        );
    }
}

#[test]
fn broken_files_missing_sizes_and_absent_devices_are_errors() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, b"no model at all").unwrap();
    assert!(OpenVino.load(&request(&library, &path)).is_err());

    sum(&path);
    let without_sizes = LoadRequest { dims: BTreeMap::new(), ..request(&library, &path) };
    assert!(OpenVino.load(&without_sizes).err().unwrap().to_string().contains("rows"));
    let elsewhere = LoadRequest { device: "openvino:GPU.7".into(), ..request(&library, &path) };
    assert!(OpenVino.load(&elsewhere).unwrap().compile().is_err());
    let mut session = OpenVino.load(&request(&library, &path)).unwrap().compile().unwrap();
    assert!(session.call(0).is_err());
    assert!(session.outputs().is_err());
    let unknown = vec![vec![Tensor::from_f32s("z", &[2, 2], &[0.0; 4])]];
    assert!(session.set_inputs(unknown).is_err());
}
