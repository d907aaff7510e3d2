//! Models of Hugging Face, looked up and fetched from a server that behaves as Hugging Face does, and as it should not.

#[path = "common/desk.rs"]
mod desk;
#[path = "common/hub.rs"]
mod hub;

use contract::*;
use desk::TestDesk;
use hub::{Behaviour, COMMIT, Heard, HubServer, Repository, TOKEN};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const BERT: &str = "google-bert/bert-small";
const WEIGHTS: &str = "model.safetensors";

/// A desk that asks this server.
fn asking(server: &HubServer) -> TestDesk {
    let desk = TestDesk::open();
    desk.ask(SaveSettings { settings: Settings { hub_mirror: Some(server.url.clone()), ..Settings::default() } })
        .unwrap();
    desk
}

fn look_up(desk: &TestDesk, id: &str) -> Result<HubModel, Failure> {
    desk.ask(LookUpHub { repository: id.into(), revision: None })
}

/// Fetches to the end, whatever that is.
fn fetch(desk: &TestDesk, id: &str, weights: Option<&str>) -> FetchStage {
    fetch_from(desk, id, "", weights)
}

/// The same of one folder.
fn fetch_from(desk: &TestDesk, id: &str, folder: &str, weights: Option<&str>) -> FetchStage {
    desk.ask(wanted(id, folder, weights)).unwrap();
    ended(desk)
}

fn wanted(id: &str, folder: &str, weights: Option<&str>) -> StartFetch {
    let weights = weights.map(str::to_owned);
    StartFetch { repository: id.into(), revision: COMMIT.into(), folder: folder.into(), weights }
}

fn ended(desk: &TestDesk) -> FetchStage {
    desk.wait_for("the end of the fetch", |desk| {
        let stage = desk.ask(GetFetch {}).unwrap().unwrap().stage;
        (!stage.is_under_way()).then_some(stage)
    })
}

/// Nothing is fetched beside a measurement.
fn wait_until_idle(desk: &TestDesk) {
    desk.wait_for("an empty queue", |desk| desk.ask(GetQueue {}).unwrap().jobs.is_empty().then_some(()));
}

fn fetched(stage: FetchStage, desk: &TestDesk) -> ModelInfo {
    let FetchStage::Done(id) = stage else { panic!("{stage:?}") };
    desk.ask(ListModels {}).unwrap().into_iter().find(|info| info.id == id).expect("it is listed")
}

fn failed(stage: FetchStage) -> Failure {
    let FetchStage::Failed(failure) = stage else { panic!("{stage:?}") };
    failure
}

fn path_of(info: &ModelInfo) -> PathBuf {
    let ModelOrigin::Hub { path, .. } = &info.origin else { panic!("{:?}", info.origin) };
    path.into()
}

/// All files below the folder of fetched models, by name.
fn kept(desk: &TestDesk) -> Vec<String> {
    fn below(folder: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path().is_dir() {
                true => below(&entry.path(), names),
                false => names.push(entry.file_name().into_string().unwrap()),
            }
        }
    }
    let mut names = Vec::new();
    below(&desk.folder.path().join("hub"), &mut names);
    names.sort();
    names
}

#[test]
fn a_repository_says_its_licence_and_its_size_before_anything_is_kept() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    let desk = asking(&server);
    let found = look_up(&desk, &format!(" {BERT} ")).unwrap();
    assert_eq!((found.repository.as_str(), found.revision.as_str()), (BERT, COMMIT));
    assert_eq!(found.licence.map(|licence| licence.name).as_deref(), Some("apache-2.0"));
    let [part] = found.parts.as_slice() else { panic!("{:?}", found.parts) };
    let HubConfig::Builds { model_type, parameters } = &part.config else { panic!("{:?}", part.config) };
    assert_eq!((part.folder.as_str(), model_type.as_str()), ("", "bert"));
    assert!(parameters.is_some_and(|count| count > 1000));
    let bytes = Repository::bert().bytes(WEIGHTS).len() as u64;
    assert_eq!((part.weights.len(), part.weights[0].bytes, part.weights[0].here_bytes), (1, bytes, 0));
    assert_eq!((&found.closed, &part.no_weights), (&None, &None));
    assert!(found.free_bytes > bytes);
    assert_eq!(kept(&desk), [""; 0]);
    assert!(server.large_from().is_empty(), "no weights were asked for");
}

#[test]
fn a_configuration_is_fetched_by_its_id_and_measured() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    let desk = asking(&server);
    let info = fetched(fetch(&desk, BERT, None), &desk);
    assert_eq!((info.name.as_str(), info.random_weights), ("google-bert/bert-small, random weights", true));
    let ModelOrigin::Hub { path, repository, revision, licence } = &info.origin else { panic!("{:?}", info.origin) };
    assert_eq!((repository.as_str(), revision.as_str(), licence.as_deref()), (BERT, COMMIT, Some("apache-2.0")));
    assert_eq!(fs::read(path).unwrap(), Repository::bert().bytes("config.json"));
    assert!(server.large_from().is_empty(), "no weights were asked for");
    assert!(desk.events().contains(&Event::ModelsChanged));
    let jobs = desk.ask(StartPlan { plan: desk.plan(&info.id.0) }).unwrap();
    assert_eq!(desk.result_of(&jobs[0]).outcome, Outcome::Done);
}

#[test]
fn a_break_is_gone_on_from_and_the_weights_are_those_of_the_repository() {
    let server = HubServer::start();
    let repository = Repository::bert();
    server.put(BERT, repository.clone());
    server.behaviour().break_at = Some(30_000);
    let desk = asking(&server);
    let info = fetched(fetch(&desk, BERT, Some(WEIGHTS)), &desk);
    assert_eq!(server.large_from(), [None, Some(30_000)], "asked for once, then from where it broke");
    assert_eq!(fs::read(path_of(&info)).unwrap(), repository.bytes(WEIGHTS));
    assert_eq!((info.name.as_str(), info.random_weights), (BERT, false));
    let jobs = desk.ask(StartPlan { plan: desk.plan(&info.id.0) }).unwrap();
    assert_eq!(desk.result_of(&jobs[0]).outcome, Outcome::Done);
    wait_until_idle(&desk);
    // The configuration alone is another model, and both can be opened again.
    let alone = fetched(fetch(&desk, BERT, None), &desk);
    assert!(alone.random_weights && alone.id != info.id);
}

#[test]
fn a_server_without_ranges_sends_it_anew() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    *server.behaviour() = Behaviour { break_at: Some(30_000), knows_no_ranges: true, ..Behaviour::default() };
    let desk = asking(&server);
    let info = fetched(fetch(&desk, BERT, Some(WEIGHTS)), &desk);
    assert_eq!(fs::read(path_of(&info)).unwrap(), Repository::bert().bytes(WEIGHTS));
}

#[test]
fn what_arrived_before_a_cancel_is_kept_for_the_next_start() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    server.behaviour().bytes_per_s = Some(20_000);
    let desk = asking(&server);
    desk.ask(wanted(BERT, "", Some(WEIGHTS))).unwrap();
    let other = wanted(BERT, "", None);
    assert!(matches!(desk.ask(other), Err(Failure::BadInput { .. })), "one at a time");
    let waiting = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap();
    assert!(
        desk.events().iter().any(|event| matches!(event, Event::Notice(notice) if notice.text.contains("fetched")))
    );
    desk.wait_for("a part of it", |desk| {
        let fetch = desk.ask(GetFetch {}).unwrap().unwrap();
        (fetch.done_bytes > 8_000).then_some(())
    });
    let jobs = desk.ask(GetQueue {}).unwrap().jobs;
    assert!(jobs.iter().all(|job| job.state == JobState::Waiting), "nothing is measured beside it: {jobs:?}");
    let asked = Instant::now();
    desk.ask(CancelFetch {}).unwrap();
    assert_eq!(ended(&desk), FetchStage::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(kept(&desk), ["config.json", "model.safetensors.part"]);
    assert!(!desk.ask(ListModels {}).unwrap().iter().any(|info| info.name.starts_with(BERT)));

    assert_eq!(desk.result_of(&waiting[0]).outcome, Outcome::Done, "what waited begins");
    wait_until_idle(&desk);

    // A desk that opens on the same data knows what is here, as after a crash.
    server.behaviour().bytes_per_s = None;
    let here = look_up(&desk, BERT).unwrap().parts[0].weights[0].here_bytes as usize;
    assert!(here > 4_000, "{here}");
    let info = fetched(fetch(&desk, BERT, Some(WEIGHTS)), &desk);
    assert_eq!(server.large_from().last(), Some(&Some(here)));
    assert_eq!(fs::read(path_of(&info)).unwrap(), Repository::bert().bytes(WEIGHTS));
}

#[test]
fn the_configuration_is_asked_for_once_and_what_is_here_does_not_arrive() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    let desk = asking(&server);
    let of_config = |heard: &&Heard| heard.path.contains("/resolve/") && heard.path.ends_with("/config.json");
    let asked = || server.heard().iter().filter(of_config).count();
    fetched(fetch(&desk, BERT, Some(WEIGHTS)), &desk);
    assert_eq!(asked(), 1);
    let before = desk.events().len();
    fetched(fetch(&desk, BERT, Some(WEIGHTS)), &desk);
    let stages = |events: &[Event]| {
        let stage = |event: &Event| if let Event::Fetch(fetch) = event { Some(fetch.stage.clone()) } else { None };
        events.iter().filter_map(stage).collect::<Vec<_>>()
    };
    let again = stages(&desk.events()[before..]);
    assert!(again.contains(&FetchStage::Checking(WEIGHTS.into())), "{again:?}");
    assert!(!again.iter().any(|stage| matches!(stage, FetchStage::Fetching(_))), "{again:?}");
    assert_eq!(server.large_from(), [None]);
}

/// A request to hide the window can be told from one to leave, as there is no window to hide.
fn stays_when_closed(desk: &TestDesk) -> bool {
    matches!(desk.ask(Quit { stop_queue: false }), Err(Failure::Missing { what, .. }) if what == "The window")
}

#[test]
fn a_fetch_goes_on_without_the_window_and_ends_where_a_person_quits() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    server.behaviour().bytes_per_s = Some(20_000);
    let desk = asking(&server);
    desk.ask(wanted(BERT, "", Some(WEIGHTS))).unwrap();
    assert!(stays_when_closed(&desk));
    assert!(desk.ask(GetFetch {}).unwrap().unwrap().stage.is_under_way());
    desk.ask(Quit { stop_queue: true }).unwrap();
    assert_eq!(desk.ask(GetFetch {}).unwrap().unwrap().stage, FetchStage::Cancelled, "it had ended before that");
    assert!(!stays_when_closed(&desk));
}

#[test]
fn asking_a_package_index_ends_where_it_is_asked_again_or_cancelled() {
    let server = HubServer::start();
    server.behaviour().is_silent = true;
    let desk = TestDesk::open();
    let index = format!("{}/simple", server.url);
    let asks = |many: usize| desk.wait_for("a question", |_| (server.heard().len() >= many).then_some(()));
    thread::scope(|scope| {
        let plan = || desk.ask(PlanPython { index: index.clone() });
        let first = scope.spawn(plan);
        desk.wait_for("a question, or no Python", |_| {
            (first.is_finished() || !server.heard().is_empty()).then_some(())
        });
        if first.is_finished() {
            println!("skipped: {:?}", first.join().unwrap());
            return;
        }
        let second = scope.spawn(plan);
        assert_eq!(first.join().unwrap().unwrap_err(), Failure::Cancelled);
        asks(2);
        desk.ask(CancelPython {}).unwrap();
        assert_eq!(second.join().unwrap().unwrap_err(), Failure::Cancelled);
    });
    let left = fs::read_dir(desk.folder.path().join("trials")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "both left nothing behind");
}

#[test]
fn weights_other_than_listed_are_refused_and_not_used() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    server.behaviour().lies = true;
    let desk = asking(&server);
    let said = failed(fetch(&desk, BERT, Some(WEIGHTS))).to_string();
    assert!(said.contains(WEIGHTS) && said.contains("SHA-256"), "{said}");
    assert_eq!(kept(&desk), ["config.json"]);
    assert!(!desk.ask(ListModels {}).unwrap().iter().any(|info| info.name.starts_with(BERT)));
}

#[test]
fn pickled_weights_are_refused_and_the_way_is_named() {
    let server = HubServer::start();
    let mut pickled = Repository::bert();
    pickled.files[1] = ("pytorch_model.bin".into(), b"\x80\x02}q\x00.".to_vec());
    server.put(BERT, pickled);
    let desk = asking(&server);
    let part = look_up(&desk, BERT).unwrap().parts.remove(0);
    assert_eq!(part.weights, []);
    let refusal = part.no_weights.unwrap();
    assert!(refusal.reason.contains("pytorch_model.bin") && refusal.remedy.contains("safetensors"), "{refusal:?}");
    let said = failed(fetch(&desk, BERT, Some("pytorch_model.bin"))).to_string();
    assert!(said.contains("any code") && said.contains("ONNX"), "{said}");
    assert!(server.large_from().is_empty(), "it was not even asked for");
    assert!(fetched(fetch(&desk, BERT, None), &desk).random_weights, "its configuration can be had");
}

#[test]
fn weights_cut_into_several_files_are_fetched_whole() {
    let server = HubServer::start();
    server.put(BERT, cut(Repository::bert()));
    let desk = asking(&server);
    let weights = look_up(&desk, BERT).unwrap().parts.remove(0).weights;
    assert_eq!(weights[0].files.len(), 3, "the index and two files: {weights:?}");
    let info = fetched(fetch(&desk, BERT, Some("model.safetensors.index.json")), &desk);
    assert!(!info.random_weights);
    assert_eq!(kept(&desk).len(), 4);
}

/// The same weights as an index and two files.
fn cut(mut repository: Repository) -> Repository {
    let (_, whole) = repository.files.remove(1);
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let tensors: BTreeMap<String, Value> = serde_json::from_slice(&whole[8..8 + length]).unwrap();
    let mut map = BTreeMap::new();
    for part in 0..2 {
        let (mut head, mut numbers) = (BTreeMap::new(), Vec::new());
        for (name, tensor) in tensors.iter().filter(|(name, _)| *name != "__metadata__").skip(part).step_by(2) {
            let offsets: [usize; 2] = serde_json::from_value(tensor["data_offsets"].clone()).unwrap();
            let mut tensor = tensor.clone();
            tensor["data_offsets"] = json!([numbers.len(), numbers.len() + offsets[1] - offsets[0]]);
            numbers.extend(&whole[8 + length + offsets[0]..8 + length + offsets[1]]);
            head.insert(name, tensor);
            map.insert(name.clone(), format!("model-{part}.safetensors"));
        }
        let head = serde_json::to_vec(&head).unwrap();
        let file = [&(head.len() as u64).to_le_bytes(), head.as_slice(), &numbers].concat();
        repository.files.push((format!("model-{part}.safetensors"), file));
    }
    let index = json!({"metadata": {}, "weight_map": map}).to_string();
    repository.files.push(("model.safetensors.index.json".into(), index.into_bytes()));
    repository
}

const PIPELINE: &str = "org/pipeline";
const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

#[test]
fn a_pipeline_offers_the_model_of_each_folder_and_the_one_that_is_chosen_is_fetched() {
    let server = HubServer::start();
    let pipeline = Repository::pipeline();
    server.put(PIPELINE, pipeline.clone());
    let desk = asking(&server);
    let found = look_up(&desk, PIPELINE).unwrap();
    let folders: Vec<&str> = found.parts.iter().map(|part| part.folder.as_str()).collect();
    // Nothing is chosen for a person that Assay does not build.
    assert_eq!(folders, ["text_encoder", "safety_checker", "unet", "vae"]);
    let built = |folder: &str| {
        let part = found.parts.iter().find(|part| part.folder == folder).unwrap();
        matches!(&part.config, HubConfig::Builds { .. })
    };
    assert_eq!(["text_encoder", "unet", "vae", "safety_checker"].map(built), [true, true, true, false]);
    let unet = &found.parts[2];
    assert_eq!((unet.weights[0].name.as_str(), unet.weights[0].files.len()), (UNET, 1));
    assert_eq!(unet.config_files.len(), 1);
    let vae = found.parts[3].no_weights.as_ref().unwrap();
    assert!(vae.reason.contains("vae/diffusion_pytorch_model.bin"), "{vae:?}");

    let info = fetched(fetch_from(&desk, PIPELINE, "unet", Some(UNET)), &desk);
    assert_eq!((info.name.as_str(), info.random_weights), ("org/pipeline, unet", false));
    assert!(path_of(&info).ends_with(UNET));
    assert_eq!(fs::read(path_of(&info)).unwrap(), pipeline.bytes(UNET));
    assert_eq!(kept(&desk), ["config.json", "diffusion_pytorch_model.safetensors"]);
    assert_eq!(server.large_from(), [None], "the weights of no other folder were asked for");
    let vae = fetched(fetch_from(&desk, PIPELINE, "vae", None), &desk);
    assert_eq!((vae.name.as_str(), vae.random_weights), ("org/pipeline, vae, random weights", true));
    assert_eq!(fs::read(path_of(&vae)).unwrap(), pipeline.bytes("vae/config.json"));
    let pickled = failed(fetch_from(&desk, PIPELINE, "vae", Some("vae/diffusion_pytorch_model.bin"))).to_string();
    assert!(pickled.contains("any code"), "{pickled}");
    let nowhere = failed(fetch_from(&desk, PIPELINE, "scheduler", None));
    assert!(matches!(&nowhere, Failure::NotFound { id, .. } if id == "scheduler"), "{nowhere:?}");
}

/// A small BERT with more folders than are looked at.
fn with_checkpoints() -> Repository {
    let mut repository = Repository::bert();
    let config = repository.bytes("config.json").to_vec();
    repository.files.extend((0..20).map(|step| (format!("checkpoint-{step:02}/config.json"), config.clone())));
    repository
}

#[test]
fn the_own_model_of_a_repository_comes_before_those_of_its_folders() {
    let server = HubServer::start();
    server.put(BERT, with_checkpoints());
    let desk = asking(&server);
    let found = look_up(&desk, BERT).unwrap();
    assert_eq!((found.parts[0].folder.as_str(), found.parts[0].weights.len()), ("", 1));
    assert_eq!((found.parts[1].folder.as_str(), found.parts[1].weights.len()), ("checkpoint-00", 0));
    assert_eq!(found.parts.len() + found.folders_left_out as usize, 21);
    let questions = server.heard().iter().filter(|heard| heard.path.contains("/resolve/")).count();
    assert_eq!(questions, found.parts.len(), "no more is asked for than is shown");
    // What is not shown can be had by its name.
    assert!(fetched(fetch_from(&desk, BERT, "checkpoint-19", None), &desk).random_weights);
}

#[test]
fn an_onnx_file_is_fetched_with_the_numbers_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/bert/config.json");
    let graph = folder.path().join("model.onnx");
    let built = assay(folder.path(), &["build", config, "--out", graph.to_str().unwrap()]).output().unwrap();
    assert!(built.status.success(), "{}", said(&built));
    let file = |name: &str| (format!("onnx/{name}"), fs::read(folder.path().join(name)).unwrap());
    let server = HubServer::start();
    let files = vec![file("model.onnx"), file("model.weights.bin")];
    server.put("onnx-community/bert", Repository { files, ..Repository::default() });
    let desk = asking(&server);
    let found = look_up(&desk, "onnx-community/bert").unwrap();
    assert_eq!((&found.parts[0].config, found.licence), (&HubConfig::Absent, None));
    assert_eq!(found.parts[0].weights[0].files.len(), 2);
    let info = fetched(fetch(&desk, "onnx-community/bert", Some("onnx/model.onnx")), &desk);
    assert_eq!(info.family, "onnx");
    assert!(info.parameters.is_some_and(|count| count > 1000));
}

#[test]
fn what_the_disk_cannot_hold_is_refused_before_it_is_asked_for() {
    let server = HubServer::start();
    let huge = Repository { said_bytes: Some(1 << 60), ..Repository::bert() };
    server.put(BERT, huge);
    let desk = asking(&server);
    let failure = failed(fetch(&desk, BERT, Some(WEIGHTS)));
    assert!(matches!(&failure, Failure::TooBig { resource, .. } if resource == "disk space"), "{failure:?}");
    assert!(server.large_from().is_empty());
}

#[test]
fn a_cancel_ends_a_look_up_that_gets_no_answer_at_once() {
    let server = HubServer::start();
    server.behaviour().is_silent = true;
    let desk = asking(&server);
    thread::scope(|scope| {
        let looking = scope.spawn(|| (look_up(&desk, BERT), Instant::now()));
        desk.wait_for("the question", |_| (!server.heard().is_empty()).then_some(()));
        let asked = Instant::now();
        desk.ask(CancelFetch {}).unwrap();
        let (answer, ended) = looking.join().unwrap();
        assert_eq!(answer.unwrap_err(), Failure::Cancelled);
        assert!(ended.duration_since(asked) < Duration::from_millis(500), "{:?}", ended.duration_since(asked));
    });
    desk.ask(wanted(BERT, "", None)).unwrap();
    desk.wait_for("the second question", |_| (server.heard().len() > 1).then_some(()));
    desk.ask(CancelFetch {}).unwrap();
    assert_eq!(ended(&desk), FetchStage::Cancelled);
}

#[test]
fn without_a_network_a_sentence_says_what_to_do_and_the_rest_goes_on() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let desk = TestDesk::open();
    let mirror = Some(format!("http://{nobody}"));
    desk.ask(SaveSettings { settings: Settings { hub_mirror: mirror, ..Settings::default() } }).unwrap();
    let Err(Failure::Missing { what, reason, remedy }) = look_up(&desk, BERT) else { panic!("it was found") };
    assert_eq!(what, "127.0.0.1");
    assert!(reason.contains("cannot be reached") && remedy.contains("mirror in Settings"), "{reason} {remedy}");
    assert!(!desk.ask(ListModels {}).unwrap().is_empty());
}

#[test]
fn ids_mirrors_and_repositories_that_cannot_be_are_refused() {
    let server = HubServer::start();
    let desk = asking(&server);
    for wrong in ["", "a/b/c", "../../etc/passwd", "a b"] {
        assert!(matches!(look_up(&desk, wrong), Err(Failure::BadInput { .. })), "{wrong}");
    }
    assert!(server.heard().is_empty());
    let unknown = look_up(&desk, "nobody/nothing").unwrap_err().to_string();
    assert!(unknown.contains("nobody/nothing") && unknown.contains("no such model"), "{unknown}");
    let wrong = Settings { hub_mirror: Some("mirror.example".into()), ..Settings::default() };
    assert!(matches!(desk.ask(SaveSettings { settings: wrong }), Err(Failure::BadInput { .. })));
}

/// The command with its data in this folder, and nothing of this machine's environment that could matter.
fn assay(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).current_dir(folder).env("ASSAY_DATA", folder.join("data")).stdin(Stdio::null());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("HF_TOKEN").env_remove("HF_ENDPOINT");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_token_goes_to_the_server_it_is_for_and_to_no_other() {
    let server = HubServer::start();
    server.put(BERT, Repository { closed: true, ..Repository::bert() });
    let folder = tempfile::tempdir().unwrap();
    let with_token = |endpoint: &str, arguments: &[&str]| {
        let mut command = assay(folder.path(), arguments);
        command.env("HF_TOKEN", TOKEN).env("HF_ENDPOINT", endpoint).output().unwrap()
    };
    let arguments = ["fetch", BERT, "--weights", "--yes", "--store", "mine.duckdb", "--json"];

    let without = assay(folder.path(), &arguments).env("HF_ENDPOINT", &server.url).output().unwrap();
    assert!(!without.status.success());
    assert!(said(&without).contains("agreed to the terms") && said(&without).contains("token"), "{}", said(&without));

    let got = with_token(&server.url, &arguments);
    assert!(got.status.success(), "{}", said(&got));
    let document: Value = serde_json::from_slice(&got.stdout).unwrap();
    assert_eq!((&document["model"], &document["found"]["licence"]["name"]), (&json!(BERT), &json!("apache-2.0")));
    let (elsewhere, here): (Vec<Heard>, Vec<Heard>) = server.heard().into_iter().partition(|heard| heard.elsewhere);
    assert!(here.iter().any(|heard| heard.authorization.as_deref() == Some(&format!("Bearer {TOKEN}"))));
    assert!(!elsewhere.is_empty());
    assert!(elsewhere.iter().all(|heard| heard.authorization.is_none()), "{elsewhere:?}");

    // A mirror that the settings of a store name is another server than the one the token is for.
    let mirror = HubServer::start();
    mirror.put(BERT, Repository { closed: true, ..Repository::bert() });
    let settings = Settings { hub_mirror: Some(mirror.url.clone()), ..Settings::default() };
    store::Store::open(&folder.path().join("mirrored.duckdb")).unwrap().save_settings(&settings).unwrap();
    let refused = with_token(&server.url, &["fetch", BERT, "--store", "mirrored.duckdb"]);
    assert!(said(&refused).contains(&format!("your token is for {}", server.url)), "{}", said(&refused));
    assert!(!mirror.heard().is_empty());
    assert!(mirror.heard().iter().all(|heard| heard.authorization.is_none()), "{:?}", mirror.heard());
}

#[test]
fn weights_are_fetched_on_consent_only() {
    let server = HubServer::start();
    server.put(BERT, Repository::bert());
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| assay(folder.path(), arguments).env("HF_ENDPOINT", &server.url).output().unwrap();
    let refused = run(&["fetch", BERT, "--weights"]);
    let shown = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(shown.contains("apache-2.0") && shown.contains("0.1 MB"), "shown first: {shown}");
    assert!(!refused.status.success() && said(&refused).contains("--yes"), "{}", said(&refused));
    assert!(server.large_from().is_empty());

    let fetched = run(&["fetch", BERT, "--weights", "--yes"]);
    assert!(fetched.status.success(), "{}", said(&fetched));
    assert_eq!(server.large_from(), [None]);
    let again = run(&["fetch", BERT, "--weights=model.safetensors", "--yes", "--json"]);
    assert_eq!(server.large_from(), [None], "what is here is not fetched again");
    let path = serde_json::from_slice::<Value>(&again.stdout).unwrap()["path"].as_str().unwrap().to_owned();
    let described = run(&["describe", &path, "--json"]);
    assert!(described.status.success(), "{}", said(&described));
    let unknown = run(&["fetch", BERT, "--weights=model.onnx", "--yes"]);
    assert!(said(&unknown).contains("It has model.safetensors"), "{}", said(&unknown));
}

#[test]
fn a_folder_is_named_on_the_command_line_or_found_by_its_weights() {
    let server = HubServer::start();
    server.put(PIPELINE, Repository::pipeline());
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| assay(folder.path(), arguments).env("HF_ENDPOINT", &server.url).output().unwrap();
    let document = |arguments: &[&str]| {
        let output = run(arguments);
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    };
    let vae = document(&["fetch", PIPELINE, "--folder", "vae/", "--json"]);
    assert_eq!((&vae["folder"], &vae["model"]), (&json!("vae"), &json!("org/pipeline, vae, random weights")));
    let unet = document(&["fetch", PIPELINE, &format!("--weights={UNET}"), "--yes", "--json"]);
    assert_eq!((&unet["folder"], &unet["weights"]), (&json!("unet"), &json!(UNET)));
    let shown = String::from_utf8_lossy(&run(&["fetch", PIPELINE]).stdout).into_owned();
    assert!(shown.contains("unet") && shown.contains("builds it as AutoencoderKL"), "{shown}");
    let unknown = run(&["fetch", PIPELINE, "--folder", "scheduler"]);
    assert!(said(&unknown).contains("It has text_encoder, safety_checker, unet, vae"), "{}", said(&unknown));
    let pickled = run(&["fetch", PIPELINE, "--folder", "vae", "--weights", "--yes"]);
    assert!(said(&pickled).contains("Weights are in text_encoder, unet; name one by --folder"), "{}", said(&pickled));
    server.put(BERT, with_checkpoints());
    let not_seen = said(&run(&["fetch", BERT, "--folder", "checkpoint-19"]));
    assert!(not_seen.contains("too many folders") && not_seen.contains("and 9 more"), "{not_seen}");
}
