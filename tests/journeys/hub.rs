//! A model of Hugging Face by its id, in the real window and from a server that behaves as Hugging Face does.

use super::{
    insight::pictures,
    server::{HubServer, Repository},
    turn,
};
use crate::window::{Window, keys};

const BERT: &str = "google-bert/bert-small";

/// A window that asks this server, on the page of models.
fn asking(server: &HubServer, data: &std::path::Path) -> Window {
    let window = Window::open(data);
    window.click("welcome-skip");
    window.click("nav-settings");
    window.show("hub-mirror");
    window.type_into("hub-mirror", "mirror.example");
    window.press(keys::ENTER);
    window.until("a sentence", |window| window.text("failure").contains("Write it in full").then_some(()));
    window.picture("hub-1-settings-wrong");
    window.type_into("hub-mirror", &server.url);
    window.press(keys::ENTER);
    window.says("hub-endpoint", &server.url);
    window.show("hub-mirror");
    pictures(&window, "hub-1-settings");
    window.click("nav-models");
    window.wait("hub-id");
    window
}

fn look_up(window: &Window, id: &str) {
    window.type_into("hub-id", id);
    window.click("hub-look-up");
}

/// A press before it has ended would meet a button that is busy.
fn stop_asking(window: &Window) {
    window.click("hub-stop");
    window.until("the end of it", |window| (window.count("[data-testid=hub-stop]") == 0).then_some(()));
}

#[test]
fn a_model_is_named_looked_at_fetched_and_measured() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    let window = asking(&server, data.path());
    pictures(&window, "hub-2-empty");

    look_up(&window, BERT);
    window.says("hub-licence", "apache-2.0");
    window.says("hub-model", "bert");
    window.says("hub-size", "80.8");
    pictures(&window, "hub-3-found");

    server.behaviour().bytes_per_s = Some(2_000);
    window.click("hub-fetch-weights");
    window.says("hub-told", "left");
    pictures(&window, "hub-4-fetching");
    server.behaviour().bytes_per_s = None;
    window.click("hub-cancel");
    window.wait("hub-cancelled");
    window.picture("hub-5-cancelled");
    look_up(&window, BERT);
    window.says("hub-size", "from an earlier try");
    window.picture("hub-6-rest");
    window.click("hub-fetch-weights");
    window.wait("hub-done");
    assert!(server.large_from().last().unwrap().is_some_and(|from| from > 0), "it went on: {:?}", server.large_from());
    pictures(&window, "hub-7-done");
    window.click("hub-open");
    window.wait("page-model");
    window.click("model-back");
    window.click("hub-measure");
    window.type_into("budget", "2");
    window.wait("estimate");
    window.picture("hub-8-launch");
    window.click("start");
    window.wait_long("finished", std::time::Duration::from_secs(180));
}

#[test]
fn what_cannot_be_had_says_why_and_the_way() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let server = HubServer::start();
    server.put("org/closed", Repository { closed: true, ..Repository::bert() });
    let mut pickled = Repository { licence: None, ..Repository::bert() };
    pickled.files[1].0 = "pytorch_model.bin".into();
    server.put("org/pickled", pickled);
    let mut unknown = Repository::bert();
    unknown.files[0].1 = br#"{"model_type": "abacus"}"#.to_vec();
    server.put("org/unknown", unknown);
    server.put("org/pipeline", Repository::pipeline());
    let mut lying = Repository::bert();
    lying.files.push(("onnx/model.onnx".into(), b"ONNX".to_vec()));
    server.put("org/lying", lying);
    let window = asking(&server, data.path());

    look_up(&window, "nobody/nothing");
    window.says("failure", "no such model");
    window.picture("hub-bad-1-unknown");
    look_up(&window, "org/closed");
    window.says("hub-closed", "agreed to the terms");
    pictures(&window, "hub-bad-2-closed");
    look_up(&window, "org/pickled");
    window.says("hub-no-weights", "pytorch_model.bin");
    window.says("hub-licence", "None is named");
    pictures(&window, "hub-bad-3-pickled");
    look_up(&window, "org/unknown");
    window.says("hub-model", "abacus");
    window.picture("hub-bad-4-type");

    look_up(&window, "org/pipeline");
    window.wait("hub-folder-unet");
    window.says("hub-model", "bert");
    pictures(&window, "hub-folders-1");
    // An option's value is its place in the list.
    window.choose("hub-folder", "2");
    window.says("hub-model", "UNet2DConditionModel");
    window.wait("hub-size");
    window.choose("hub-folder", "3");
    window.says("hub-no-weights", "vae/diffusion_pytorch_model.bin");
    window.picture("hub-folders-2");
    window.click("hub-fetch-config");
    window.says("hub-done", "org/pipeline, vae");

    server.behaviour().lies = true;
    look_up(&window, "org/lying");
    window.wait("hub-weights");
    window.picture("hub-bad-5-several");
    window.click("hub-fetch-weights");
    window.says("failure", "SHA-256");
    pictures(&window, "hub-bad-6-lying");

    server.behaviour().is_silent = true;
    look_up(&window, BERT);
    window.wait("hub-stop");
    window.picture("hub-bad-7-asking");
    stop_asking(&window);
    window.click("hub-look-up");
    window.wait("hub-stop");
    window.click("nav-settings");
    window.show("hub-mirror");
    window.type_into("hub-mirror", "http://127.0.0.1:9");
    window.press(keys::ENTER);
    window.says("hub-endpoint", "127.0.0.1:9");
    window.click("nav-models");
    stop_asking(&window);
    window.click("hub-look-up");
    window.says("failure", "cannot be reached");
    pictures(&window, "hub-bad-8-offline");
    window.click("hub-settings");
    window.wait("hub-mirror");
}
