//! What generated Python holds: the asked platform's section alone, a trained model where one is asked for.

use contract::Platform;
use workbench::{Kind, Library, Request, render};

fn made(model_type: &str, platform: Platform, kind: Kind, variables: &[(&str, &str)]) -> String {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let request = Request { model_type: model_type.to_owned(), platform, kind, variables };
    render(Library::shipped(), &request).unwrap().text
}

#[test]
fn only_the_section_of_the_asked_platform_is_there() {
    let cuda = made("llama", Platform::Cuda, Kind::Test, &[]);
    assert!(cuda.contains("torch.version.cuda is None"));
    for other in ["torch.version.hip is None", "torch.backends.mps", "import openvino", "onnxruntime"] {
        assert!(!cuda.contains(other), "{other}");
    }
}

#[test]
fn a_trained_model_can_be_asked_for() {
    let text = made("llama", Platform::Cpu, Kind::Test, &[("checkpoint", "some/folder")]);
    assert!(text.contains("CHECKPOINT = \"some/folder\"") && text.contains("from_pretrained(CHECKPOINT"));
    assert!(!text.contains("CONFIG"));
}

#[test]
fn what_generates_can_be_streamed_and_what_does_not_cannot() {
    assert!(made("llama", Platform::Cpu, Kind::Skill, &[]).contains("def stream("));
    assert!(!made("vit", Platform::Cpu, Kind::Skill, &[]).contains("def stream("));
}
