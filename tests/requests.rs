//! Requests through the real dispatch: the same JSON that the window, a second start and the commands send.

#[path = "common/desk.rs"]
mod desk;

use assay_app::front::NoWindow;
use contract::*;
use desk::TestDesk;
use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    io::Write,
    path::Path,
    thread::{self, sleep},
    time::{Duration, Instant},
};

#[test]
fn a_malformed_request_is_refused_with_its_place() {
    let desk = TestDesk::open();
    for ask in [
        "",
        "{",
        "[]",
        "7",
        r#"{"request":"Nonsense","with":{}}"#,
        r#"{"request":"GetRun","with":{}}"#,
        r#"{"request":"SetNote","with":{"id":1,"note":2}}"#,
    ] {
        let failure = desk.ask_text(ask).unwrap_err();
        assert!(matches!(&failure, Failure::BadInput { subject, .. } if subject == "request"), "{ask}: {failure:?}");
    }
    assert_eq!(desk.ask(Hello {}).unwrap().results, 0, "the desk goes on");
}

#[test]
fn a_first_start_has_an_empty_store_and_the_usual_settings() {
    let desk = TestDesk::open();
    let start = desk.ask(Hello {}).unwrap();
    assert_eq!(start.settings, Settings::default());
    assert_eq!((start.results, start.store_failure), (0, None));
    assert_eq!(start.notices, []);
    let machine = desk.ask(GetMachine {}).unwrap();
    let platforms: Vec<Platform> = machine.platforms.iter().map(|status| status.platform).collect();
    assert_eq!(platforms, Platform::LISTED);
}

/// A library put there must be seen by the next look, without a new start.
#[cfg(target_os = "linux")]
#[test]
fn the_libraries_folder_is_there_its_path_is_told_and_a_new_scan_looks_into_it() {
    let desk = TestDesk::open();
    let own = desk.folder.path().join("libraries");
    assert!(own.is_dir(), "it is made at the start");
    let storage = desk.ask(GetStorage {}).unwrap();
    assert_eq!(storage.libraries_path, own.display().to_string());
    let machine = desk.ask(GetMachine {}).unwrap();
    let qnn = machine.engines.iter().flat_map(|engine| &engine.targets).find(|target| target.device.0 == "qnn:htp");
    let Availability::Missing { remedy, .. } = &qnn.unwrap().availability else { panic!("QNN is ready") };
    assert!(remedy.contains(&format!("the libraries folder ({}) as onnxruntime-qnn", own.display())), "{remedy}");

    fs::create_dir(own.join("onnxruntime-mine")).unwrap();
    fs::write(own.join("onnxruntime-mine/libonnxruntime.so"), "no library").unwrap();
    let seen = desk.ask(Rescan {}).unwrap();
    let engine = seen.engines.iter().find(|engine| engine.id.0 == "onnxruntime-mine").unwrap();
    let Availability::Missing { reason, .. } = &engine.availability else { panic!("a text is no library") };
    assert!(reason.contains("onnxruntime-mine"), "{reason}");

    fs::remove_dir_all(&own).unwrap();
    let failure = desk.ask(OpenLibraries {}).unwrap_err().to_string();
    assert!(failure.ends_with(&format!("Open {} yourself", own.display())), "no window, no file manager: {failure}");
    assert!(own.is_dir(), "it is made anew where it is asked for");
}

#[test]
fn settings_come_back_as_saved_and_impossible_ones_are_refused() {
    let desk = TestDesk::open();
    let mine = Settings { threads: Some(1), theme: Theme::Dark, budget_secs: 3.5, ..Settings::default() };
    desk.ask(SaveSettings { settings: mine.clone() }).unwrap();
    assert_eq!(desk.ask(GetSettings {}).unwrap(), mine);
    for wrong in [
        Settings { budget_secs: 0.0, ..mine.clone() },
        Settings { timeout_secs: -1.0, ..mine.clone() },
        Settings { memory_share: 1.5, ..mine.clone() },
        Settings { threads: Some(0), ..mine.clone() },
    ] {
        assert!(matches!(desk.ask(SaveSettings { settings: wrong }), Err(Failure::BadInput { .. })));
    }
    assert_eq!(desk.ask(GetSettings {}).unwrap(), mine);
}

#[test]
fn a_model_is_added_listed_and_removed_and_a_broken_file_gets_a_sentence() {
    let desk = TestDesk::open();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/bert/config.json");
    let before = desk.ask(ListModels {}).unwrap().len();
    let added = desk.ask(AddModel { path: config.into() }).unwrap();
    assert_eq!(added.family, "bert");
    assert!(desk.ask(ListModels {}).unwrap().iter().any(|info| info.id == added.id));
    desk.ask(RemoveModel { id: added.id.clone() }).unwrap();
    assert_eq!(desk.ask(ListModels {}).unwrap().len(), before);

    let broken = desk.folder.path().join("broken.onnx");
    fs::write(&broken, b"\x08\x07this is no model").unwrap();
    let failure = desk.ask(AddModel { path: broken.display().to_string() }).unwrap_err();
    assert!(failure.to_string().contains("broken.onnx"), "{failure}");
    assert!(desk.ask(AddConfigText { name: "x".into(), text: "{\"model_type\": 7".into() }).is_err());
    let preset = desk.ask(ListModels {}).unwrap().remove(0).id;
    assert!(matches!(desk.ask(RemoveModel { id: preset }), Err(Failure::BadInput { .. })));
}

#[test]
fn a_pasted_configuration_is_measured_under_its_name_on_texts_with_padding() {
    let desk = TestDesk::open();
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/opt/config.json")).unwrap();
    let info = desk.ask(AddConfigText { name: "Mine".into(), text }).unwrap();
    assert_eq!(info.name, "Mine");
    let padding = [(info.id.clone(), vec![25])].into();
    let plan = Plan { batches: vec![3], padding, ..desk.plan(&info.id.0) };
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    let run = desk.result_of(&jobs[0]);
    assert_eq!((&run.outcome, run.model.name.as_str()), (&Outcome::Done, "Mine"));
    assert!(run.setting.size.is_some(), "the default length is written down as what ran");
    assert_eq!(run.fed().words().join(", "), "batch 3, 40 tokens, 25 % padding");
    assert_eq!(run.model.per_sample.map(|sample| sample.count), Some(30.0), "padding is no text");
    let checked = cpu_targets(&desk).len() > 1;
    assert_eq!(matches!(run.check, OutputCheck::Agrees { .. }), checked, "{:?}", run.check);
}

#[test]
fn shares_of_padding_are_swept_over_and_refused_where_no_text_can_have_them() {
    let desk = TestDesk::open();
    let lines = |plan: Plan| desk.ask(EstimatePlan { plan }).unwrap().lines;
    let padded = |model: &str, percents: &[u32]| {
        let padding = [(ModelId::from(model), percents.to_vec())].into();
        Plan { padding, ..desk.plan(model) }
    };
    let swept = lines(padded("preset:bert-tiny", &[0, 25]));
    let told = |line: &SettingEstimate| Fed::of(&line.setting, Some(SizeUnit::Tokens)).words().join(", ");
    let told: Vec<String> = swept.iter().map(told).collect();
    assert_eq!(told, ["batch 1, 128 tokens", "batch 1, 128 tokens, 25 % padding"]);
    assert!(swept.iter().all(|line| line.refusal.is_none()), "{swept:?}");

    let refusal = |plan: Plan| lines(plan).remove(0).refusal.unwrap();
    let said = refusal(padded("preset:vit-base-patch16-224", &[25]));
    assert!(said.contains("padding = 25: this model takes no padding"), "{said}");
    let said = refusal(padded("preset:bert-tiny", &[91]));
    assert!(said.contains("at most 90 %"), "{said}");
    let said = refusal(Plan { mode: Mode::Generation, ..padded("preset:gpt2", &[25]) });
    assert!(said.contains("without padding only") && said.contains("measure one pass"), "{said}");
}

#[test]
fn an_empty_a_huge_and_an_unknown_plan_are_refused_before_anything_starts() {
    let desk = TestDesk::open();
    let plan = desk.plan("preset:bert-tiny");
    let empty = Plan { precisions: vec![], ..plan.clone() };
    let huge = Plan { batches: (1..=4_000).collect(), threads: (1..=4_000).collect(), ..plan.clone() };
    let unknown = Plan { models: vec!["preset:nobody".into()], ..plan.clone() };
    let nowhere =
        Plan { targets: vec![TargetChoice { engine: "candle".into(), device: "cuda:99".into() }], ..plan.clone() };
    let endless = Plan { budget_secs: f64::MAX, ..plan };
    for wrong in [empty, huge, unknown, nowhere, endless] {
        assert!(desk.ask(StartPlan { plan: wrong }).is_err());
    }
    assert_eq!(desk.ask(GetQueue {}).unwrap().jobs, []);
}

/// Every engine that is ready on the CPU.
fn cpu_targets(desk: &TestDesk) -> Vec<TargetChoice> {
    let machine = desk.ask(GetMachine {}).unwrap();
    let ready = machine.targets().filter(|target| target.availability.is_ready() && target.device.0 == "cpu");
    ready.map(|target| TargetChoice { engine: target.engine.clone(), device: target.device.clone() }).collect()
}

#[test]
fn a_model_measured_on_every_ready_engine_appears_in_the_matrix() {
    let desk = TestDesk::open();
    let targets = cpu_targets(&desk);
    let plan = Plan { targets: targets.clone(), ..desk.plan("preset:bert-tiny") };
    let estimate = desk.ask(EstimatePlan { plan: plan.clone() }).unwrap();
    assert!(estimate.lines.iter().all(|line| line.refusal.is_none() && line.secs.is_some_and(|secs| secs > 0.0)));
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    assert_eq!(jobs.len(), targets.len());
    for job in &jobs {
        let run = desk.result_of(job);
        assert_eq!(run.outcome, Outcome::Done, "{}", run.setting.engine);
        let timing = run.timing.expect("a finished run has a timing");
        assert!(timing.samples >= 10 && timing.low_ms <= timing.median_ms && timing.median_ms <= timing.high_ms);
        assert_eq!(run.samples_ms.len(), timing.samples as usize);
    }
    let matrix = desk.ask(GetMatrix { metric: Metric::Latency, filter: Filter::default() }).unwrap();
    let row = matrix.rows.iter().find(|row| row.model == "bert-tiny").expect("a row for the model");
    let figures = row.cells.iter().filter(|cell| matches!(cell, MatrixCell::Figure { .. })).count();
    let told: Vec<String> = row.cells.iter().filter_map(|cell| Some(cell.fed()?.words().join(", "))).collect();
    assert!(told.iter().all(|told| told == "batch 1, 128 tokens"), "{told:?}");
    let checked = jobs.len() > 1;
    assert_eq!(figures > 0, checked, "ranked exactly where another engine could check the output");
    let covered: Vec<Platform> = matrix.columns.iter().map(|column| column.platform).collect();
    assert!(Platform::LISTED.iter().all(|platform| covered.contains(platform)), "every platform has a column");
    let stored = desk.events().iter().filter(|event| matches!(event, Event::Stored(_))).count();
    assert_eq!(stored, jobs.len());
}

#[test]
fn lengths_of_sound_are_sizes_and_what_a_model_does_not_have_is_left_out() {
    let desk = TestDesk::open();
    let model = ModelId::from("preset:wav2vec2-base");
    let plan = Plan {
        sizes: [(model.clone(), vec![16_000, 160_000])].into(),
        dims: [("frames".to_owned(), 8)].into(),
        ..desk.plan(&model.0)
    };
    let lines = desk.ask(EstimatePlan { plan }).unwrap().lines;
    let told: Vec<_> = lines.iter().map(|line| (line.setting.size, line.setting.dims.len())).collect();
    assert_eq!(told, [(Some(16_000), 0), (Some(160_000), 0)]);
    assert!(lines[0].memory_bytes < lines[1].memory_bytes, "{lines:?}");
}

#[test]
fn cancelling_the_running_job_ends_it_within_a_second_and_stores_nothing() {
    let desk = TestDesk::open();
    let plan = Plan { budget_secs: 60.0, ..desk.plan("preset:bert-base-uncased") };
    let job = desk.ask(StartPlan { plan }).unwrap().remove(0);
    desk.wait_for("the worker", |desk| desk.ask(GetLive {}).unwrap().filter(|live| live.phase > PhaseName::Acquire));
    let began = Instant::now();
    desk.ask(CancelJob { id: job.clone() }).unwrap();
    desk.wait_for("an empty queue", |desk| desk.ask(GetQueue {}).unwrap().jobs.is_empty().then_some(()));
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    assert!(matches!(desk.ask(GetRun { id: RunId(job.0) }), Err(Failure::NotFound { .. })));
}

#[test]
fn a_paused_queue_starts_nothing_and_keeps_the_order_asked_for() {
    let desk = TestDesk::open();
    desk.ask(PauseQueue { paused: true }).unwrap();
    let plan = Plan { batches: vec![1, 2, 3], ..desk.plan("preset:bert-tiny") };
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    desk.ask(MoveJob { id: jobs[2].clone(), to: 0 }).unwrap();
    sleep(Duration::from_millis(300));
    let queue = desk.ask(GetQueue {}).unwrap();
    assert!(queue.paused && queue.remaining_secs > 0.0);
    let order: Vec<JobId> = queue.jobs.iter().map(|job| job.id.clone()).collect();
    assert_eq!(order, [jobs[2].clone(), jobs[0].clone(), jobs[1].clone()]);
    assert!(queue.jobs.iter().all(|job| job.state == JobState::Waiting));
    assert_eq!(desk.ask(CancelAll {}).unwrap(), 3);
    assert!(matches!(desk.ask(MoveJob { id: jobs[0].clone(), to: 0 }), Err(Failure::NotFound { .. })));
}

#[test]
fn what_cannot_fit_into_memory_is_refused_with_the_figures() {
    let desk = TestDesk::open();
    let plan = Plan { batches: vec![100_000], ..desk.plan("preset:bert-base-uncased") };
    let line = desk.ask(EstimatePlan { plan: plan.clone() }).unwrap().lines.remove(0);
    let refusal = line.refusal.as_ref().unwrap();
    assert!(refusal.contains("B of memory, ") && refusal.contains("What would fit: "), "{line:?}");
    let batch = refusal.split("a batch of ").nth(1).unwrap();
    let batch: u32 = batch.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap();
    let with = |batch: u32| {
        let plan = Plan { batches: vec![batch], ..plan.clone() };
        desk.ask(EstimatePlan { plan }).unwrap().lines.remove(0).memory_bytes.unwrap()
    };
    assert!(batch < 100_000 && with(batch) <= line.memory_bytes.unwrap());
    let job = desk.ask(StartPlan { plan }).unwrap().remove(0);
    let outcome = desk.result_of(&job).outcome;
    let Outcome::Failed { kind: FailureKind::Refused, phase: PhaseName::Acquire, remedy, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(remedy.as_ref().is_some_and(|remedy| remedy.contains("a batch of ")), "{remedy:?}");
}

#[test]
fn an_estimate_counts_the_threads_of_the_settings_where_none_are_asked_for() {
    let desk = TestDesk::open();
    let plan = desk.plan("preset:bert-base-uncased");
    let secs = |plan: Plan| desk.ask(EstimatePlan { plan }).unwrap().lines.remove(0).secs.unwrap();
    let on_one = secs(Plan { threads: vec![1], ..plan.clone() });
    desk.ask(SaveSettings { settings: Settings { threads: Some(1), ..Settings::default() } }).unwrap();
    assert_eq!(secs(plan), on_one);
}

#[test]
fn a_cancelled_measurement_of_the_machine_ends_as_cancelled() {
    let desk = TestDesk::open();
    desk.ask(GetMachine {}).unwrap();
    desk.wait_for("its turn", |desk| desk.ask(MeasurePeaks {}).ok());
    desk.ask(CancelPeaks {}).unwrap();
    let ended = |event: &Event| if let Event::PeaksEnded { failure } = event { Some(failure.clone()) } else { None };
    let failure = desk.wait_for("the end", |desk| desk.events().iter().find_map(ended));
    assert_eq!(failure, Some(Failure::Cancelled));
}

#[test]
fn another_store_can_be_opened_and_a_damaged_one_is_left_alone() {
    let desk = TestDesk::open();
    let damaged = desk.folder.path().join("damaged.duckdb");
    fs::write(&damaged, vec![7; 5000]).unwrap();
    let failure = desk.ask(OpenStore { path: Some(damaged.display().to_string()) }).unwrap_err();
    assert!(matches!(failure, Failure::Store { .. }), "{failure:?}");
    assert_eq!(fs::read(&damaged).unwrap(), vec![7; 5000]);
    assert!(desk.ask(GetStorage {}).unwrap().store_path.ends_with("assay.duckdb"), "the old one stays open");

    let other = desk.folder.path().join("other.duckdb");
    desk.ask(OpenStore { path: Some(other.display().to_string()) }).unwrap();
    assert!(desk.ask(GetStorage {}).unwrap().store_path.ends_with("other.duckdb"));
    let open_now = Notice { kind: NoticeKind::Info, text: format!("{} is open now.", other.display()) };
    assert_eq!(desk.ask(Hello {}).unwrap().notices, [open_now]);
    assert_eq!(desk.ask(Hello {}).unwrap().notices, [], "a page that is loaded anew does not tell it again");
    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    assert_eq!(desk.result_of(&job).outcome, Outcome::Done, "the queue works on the new store");
}

#[test]
fn a_new_store_is_made_where_nothing_is_and_the_usual_one_is_a_way_back() {
    let desk = TestDesk::open();
    let path = |name: &str| desk.folder.path().join(name).display().to_string();
    let usual = path("assay.duckdb");
    let open = || {
        let StorageInfo { store_path, usual_store, .. } = desk.ask(GetStorage {}).unwrap();
        (store_path, usual_store)
    };
    assert_eq!(open(), (usual.clone(), None));
    fs::write(path("taken.duckdb"), "mine").unwrap();
    let refused = desk.ask(NewStore { path: Some(path("taken.duckdb")) }).unwrap_err().to_string();
    assert!(refused.contains("there is something of this name already"), "{refused}");
    assert_eq!(fs::read_to_string(path("taken.duckdb")).unwrap(), "mine");
    assert_eq!(open(), (usual.clone(), None));

    let made = desk.ask(NewStore { path: Some(path("trip")) }).unwrap();
    assert_eq!(made, Some(path("trip.duckdb")), "with the ending that stores are found by");
    assert_eq!(open(), (path("trip.duckdb"), Some(usual.clone())));
    // The queue of that store may take a moment to let go of it.
    desk.wait_for("the usual one", |desk| desk.ask(OpenStore { path: Some(usual.clone()) }).ok());
    assert_eq!(open(), (usual, None));
}

/// A store that another computer was the last to use, and that has a peak of this one.
fn carried(path: &Path, machine: &Machine) -> Peak {
    let peak = Peak {
        device: "cpu".into(),
        device_name: "CPU".into(),
        platform: Platform::Cpu,
        kind: PeakKind::MatrixRate,
        precision: Some(Precision::F32),
        threads: Some(1),
        best: 2.0,
        median: 1.5,
        low: 1.0,
        high: 2.0,
        samples: 10,
        method: "by hand".into(),
        measured_at: machine.scanned_at,
    };
    let store = store::Store::open(path).unwrap();
    let another = Machine { id: "another".into(), name: "Another".into(), memory_bytes: 1, ..machine.clone() };
    store.save_machine(&another).unwrap();
    store.save_peaks(&machine.id, std::slice::from_ref(&peak), &[]).unwrap();
    peak
}

#[test]
fn this_machine_stays_itself_in_a_store_that_another_computer_used() {
    let desk = TestDesk::open();
    let machine = desk.ask(GetMachine {}).unwrap();
    let path = desk.folder.path().join("carried.duckdb");
    let peak = carried(&path, &machine);
    desk.ask(OpenStore { path: Some(path.display().to_string()) }).unwrap();
    let seen = desk.ask(GetMachine {}).unwrap();
    assert_eq!((&seen.id, seen.memory_bytes, seen.peaks), (&machine.id, machine.memory_bytes, vec![peak]));
    // After the scan, and after the other store.
    let told = desk.events().iter().filter(|event| matches!(event, Event::MachineChanged)).count();
    assert_eq!(told, 2);
    let sql = format!("SELECT count(inventory) AS n FROM machines WHERE id = '{}'", machine.id.0);
    assert_eq!(desk.ask(Query { sql }).unwrap()[0]["n"], 1, "its inventory is kept there too");

    let folder = tempfile::tempdir().unwrap();
    let peak = carried(&folder.path().join("assay.duckdb"), &machine);
    let seen = TestDesk::open_in(folder, NoWindow).ask(GetMachine {}).unwrap();
    assert_eq!((seen.id, seen.peaks), (machine.id, vec![peak]), "at a start as well");
}

#[cfg(unix)]
#[test]
fn a_store_that_the_next_start_could_not_be_told_of_is_not_opened() {
    use assay_app::front::{FileQuestion, Front};
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

    /// A window in whose dialog this file is chosen.
    struct Chosen(PathBuf);

    impl Front for Chosen {
        fn pick(&self, _: FileQuestion) -> Result<Option<PathBuf>, Failure> {
            Ok(Some(self.0.clone()))
        }

        fn show_folder(&self, _: &Path) -> Result<(), Failure> {
            Ok(())
        }

        fn show(&self) -> Result<(), Failure> {
            Ok(())
        }

        fn hide(&self) -> Result<(), Failure> {
            Ok(())
        }

        fn leave(&self) {}
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"results\xff.duckdb"));
    let desk = TestDesk::open_in(folder, Chosen(path.clone()));
    let failure = desk.ask(OpenStore { path: None }).unwrap_err();
    assert!(failure.to_string().contains("its path is not Unicode"), "{failure}");
    assert!(!path.exists());
    assert!(desk.ask(GetStorage {}).unwrap().store_path.ends_with("assay.duckdb"), "the old one stays open");
}

#[test]
fn a_model_whose_file_was_written_anew_is_not_measured_as_the_one_before() {
    let desk = TestDesk::open();
    let path = desk.folder.path().join("mine.json");
    let write = |text: &str| fs::write(&path, text).unwrap();
    let add = || desk.ask(AddModel { path: path.display().to_string() }).unwrap().id;
    let describe =
        |id: &ModelId| desk.ask(DescribeModel { of: Described::Listed { id: id.clone() }, dims: Default::default() });
    write(NEVER_SEEN);
    let id = add();
    desk.ask(PauseQueue { paused: true }).unwrap();
    let plan = desk.plan(&id.0);
    desk.ask(StartPlan { plan: plan.clone() }).unwrap();
    write(NEVER_SEEN);
    assert!(describe(&id).is_ok(), "the same model lies there");

    write(&NEVER_SEEN.replace("layers\": 3", "layers\": 12"));
    for failure in [describe(&id).unwrap_err(), desk.ask(StartPlan { plan }).unwrap_err()] {
        let said = failure.to_string();
        assert!(said.contains("has changed since it was added. Add it again"), "{said}");
    }
    desk.ask(PauseQueue { paused: false }).unwrap();
    desk.wait_for("an empty queue", |desk| desk.ask(GetQueue {}).unwrap().jobs.is_empty().then_some(()));
    let told = |event: &Event| matches!(event, Event::Notice(notice) if notice.text.contains("was not measured"));
    assert!(desk.events().iter().any(told));
    assert_eq!(desk.ask(Hello {}).unwrap().results, 0, "nothing is stored under the model it was");
    let new = add();
    assert!(new != id && describe(&new).is_ok());
}

/// Windows lets nobody replace a file that is mapped.
#[cfg(unix)]
#[test]
fn a_model_whose_weights_are_rewritten_while_it_is_measured_gets_no_time() {
    let desk = TestDesk::open();
    let path = desk.folder.path().join("mine.onnx");
    let model = models::Model::from_config_text("mine", NEVER_SEEN).unwrap();
    model.export(&path, Precision::F32, 0, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    let id = desk.ask(AddModel { path: path.display().to_string() }).unwrap().id;
    desk.at_each_event(move |event| {
        if matches!(event, Event::Live(live) if live.samples > 0) {
            let (weights, other) = (path.with_extension("weights.bin"), path.with_extension("other"));
            fs::copy(&weights, &other).unwrap();
            fs::rename(&other, &weights).unwrap();
        }
    });
    let measured = || {
        let job = desk.ask(StartPlan { plan: desk.plan(&id.0) }).unwrap().remove(0);
        desk.result_of(&job)
    };
    let run = measured();
    let Outcome::Failed { kind, message, remedy, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(*kind, FailureKind::ModelChanged);
    assert!(message.contains("mine.weights.bin"), "{message}");
    assert!(remedy.as_ref().is_some_and(|remedy| remedy.starts_with("Measure again")), "{remedy:?}");
    assert!(run.timing.is_none() && run.samples_ms.is_empty(), "{:?}", run.timing);
    desk.at_each_event(|_| {});
    assert_eq!(measured().outcome, Outcome::Done, "once it is left alone");
}

#[test]
fn deleted_results_come_back_and_notes_stay() {
    let desk = TestDesk::open();
    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    let id = desk.result_of(&job).id;
    desk.ask(SetNote { id: id.clone(), note: "on mains".into() }).unwrap();
    assert_eq!(desk.ask(DeleteRuns { ids: vec![id.clone()] }).unwrap(), 1);
    let all = || ListRuns { filter: Filter::default(), order: RunOrder::Newest, offset: 0, limit: 10 };
    let deleted = || ListDeletedRuns { filter: Filter::default(), offset: 0, limit: 10 };
    assert_eq!(desk.ask(all()).unwrap().total, 0);
    let page = desk.ask(deleted()).unwrap();
    assert_eq!((page.total, &page.rows[0].run.id), (1, &id));
    assert_eq!(desk.ask(RestoreRuns { ids: vec![id] }).unwrap(), 1);
    assert_eq!(desk.ask(all()).unwrap().rows[0].note, "on mains");
    assert_eq!(desk.ask(deleted()).unwrap(), DeletedPage { rows: vec![], total: 0 });
}

#[test]
fn files_are_asked_for_by_a_dialog_only_where_there_is_a_window() {
    let desk = TestDesk::open();
    assert!(matches!(desk.ask(PickModelFile {}), Err(Failure::Missing { .. })));
    assert!(matches!(desk.ask(ImportTable { path: None }), Err(Failure::Missing { .. })));
    let path = desk.folder.path().join("chart.svg");
    let saved = SaveFile {
        suggested_name: "chart.svg".into(),
        base64: "PHN2Zy8+".into(),
        path: Some(path.display().to_string()),
    };
    desk.ask(saved).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "<svg/>");
    assert!(desk.ask(SaveFile { suggested_name: "x".into(), base64: "§".into(), path: None }).is_err());
}

#[test]
fn clearing_the_weights_frees_what_was_generated() {
    let desk = TestDesk::open();
    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    desk.result_of(&job);
    desk.wait_for("the end", |desk| desk.ask(GetQueue {}).unwrap().jobs.is_empty().then_some(()));
    let before = desk.ask(GetStorage {}).unwrap().weights_bytes;
    assert!(before > 1_000_000);
    assert_eq!(desk.ask(ClearWeights {}).unwrap(), before);
    assert_eq!(desk.ask(GetStorage {}).unwrap().weights_bytes, 0);
}

fn comparison_order(desk: &TestDesk, a: u32, b: u32) -> ComparisonOrder {
    let setting =
        |size| Setting { size: Some(size), threads: Some(1), ..desk.plan("preset:bert-tiny").settings().remove(0) };
    let rules = CompareRules::default();
    ComparisonOrder { a: setting(a), b: setting(b), rules, budget_secs: 20.0, after: None }
}

fn end_of_comparison(desk: &TestDesk) -> LiveComparison {
    desk.wait_for("the end", |desk| desk.ask(GetLiveComparison {}).unwrap().filter(|live| !live.stage.goes_on()))
}

#[test]
fn a_comparison_is_told_kept_and_gone_on_with() {
    let desk = TestDesk::open();
    desk.ask(GetMachine {}).unwrap();
    let order = comparison_order(&desk, 16, 512);
    desk.wait_for("its turn", |desk| desk.ask(StartComparison { order: order.clone() }).ok());
    assert!(desk.ask(StartComparison { order: order.clone() }).is_err(), "one at a time");
    let live = end_of_comparison(&desk);
    let ComparisonStage::Done(id) = live.stage else { panic!("{:?}", live.stage) };
    assert_eq!(live.ratio.unwrap().verdict, Verdict::Slower);
    let ComparisonView { comparison, points, tails } = desk.ask(GetComparison { id: id.clone() }).unwrap();
    assert_eq!((comparison.result, tails), (live.ratio, None));
    assert_eq!(points.len(), comparison.rounds.len());
    let rows = desk.ask(ListComparisons {}).unwrap();
    assert_eq!((rows.len(), &rows[0].id, &rows[0].result), (1, &id, &comparison.result));
    assert!(rows[0].b.contains("bert-tiny on candle") && rows[0].b.contains("512 tokens"), "{}", rows[0].b);

    let more = ComparisonOrder { after: Some(id.clone()), ..order.clone() };
    desk.wait_for("its turn", |desk| desk.ask(StartComparison { order: more.clone() }).ok());
    let ComparisonStage::Done(second) = end_of_comparison(&desk).stage else { panic!("it should be told again") };
    let after = desk.ask(GetComparison { id: second }).unwrap().comparison;
    let earlier: Vec<Round> = comparison.rounds.iter().map(|round| Round { calls_ms: None, ..*round }).collect();
    assert_eq!(after.rounds[..earlier.len()], earlier, "the earlier rounds count as well, but for the limit on calls");
    let other = ComparisonOrder { after: Some(id), ..comparison_order(&desk, 16, 32) };
    assert!(desk.ask(StartComparison { order: other }).is_err(), "rounds of other settings do not");
}

#[test]
fn a_limit_on_slow_calls_is_measured_until_the_rounds_tell_or_the_time_is_up() {
    let desk = TestDesk::open();
    desk.ask(GetMachine {}).unwrap();
    let compare = |tail: Percentile, budget_secs: f64| {
        let rules = CompareRules { tail: Some(tail), ..CompareRules::default() };
        let order = ComparisonOrder { rules, budget_secs, ..comparison_order(&desk, 16, 512) };
        desk.wait_for("its turn", |desk| desk.ask(StartComparison { order: order.clone() }).ok());
        let live = end_of_comparison(&desk);
        let ComparisonStage::Done(id) = live.stage else { panic!("{:?}", live.stage) };
        let view = desk.ask(GetComparison { id }).unwrap();
        assert_eq!(view.comparison.rules, rules);
        let tails = view.tails.unwrap();
        assert_eq!(tails.a.samples as usize, view.comparison.rounds.len(), "one call of each round counts");
        (tails, live.tails.unwrap(), view.comparison.result.unwrap())
    };
    let (tails, live, ratio) = compare(Percentile { p: 0.8, ms: 60_000.0 }, 60.0);
    assert_eq!((tails, ratio.verdict), (live, Verdict::Slower));
    for side in Side::BOTH {
        let tail = tails.side(side);
        assert_eq!(tail.verdict, TailVerdict::Meets, "{tail:?}");
        assert!(tail.samples >= 41 && tail.high_ms.unwrap() > 0.0, "no fewer tell it: {tail:?}");
    }
    let (tails, ..) = compare(Percentile { p: 0.8, ms: 0.000_1 }, 60.0);
    assert!(Side::BOTH.iter().all(|side| tails.side(*side).verdict == TailVerdict::Misses), "{tails:?}");
    let (tails, ..) = compare(Percentile { p: 0.99, ms: 60_000.0 }, 0.2);
    let b = tails.b;
    assert_eq!(b.verdict, TailVerdict::Unknown, "{b:?}");
    assert!(b.samples < 1236 && b.needed_samples.unwrap() >= 1236 && b.needed_secs.unwrap() > 0.0, "{b:?}");

    let order = ComparisonOrder {
        rules: CompareRules { tail: Some(Percentile { p: 0.95, ms: -1.0 }), ..CompareRules::default() },
        ..comparison_order(&desk, 16, 512)
    };
    assert!(desk.ask(StartComparison { order }).unwrap_err().to_string().contains("slow calls"));
}

/// One that cannot be told before it is ended.
fn start_long_comparison(desk: &TestDesk) {
    let order = ComparisonOrder {
        rules: CompareRules { threshold: 0.0001, ..CompareRules::default() },
        budget_secs: 600.0,
        ..comparison_order(desk, 16, 16)
    };
    desk.ask(GetMachine {}).unwrap();
    desk.wait_for("its turn", |desk| desk.ask(StartComparison { order: order.clone() }).ok());
}

#[test]
fn nothing_is_measured_beside_a_comparison_and_a_cancelled_one_leaves_nothing() {
    let desk = TestDesk::open();
    start_long_comparison(&desk);
    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    desk.wait_for("rounds", |desk| desk.ask(GetLiveComparison {}).unwrap().filter(|live| !live.points.is_empty()));
    assert_eq!(desk.ask(GetQueue {}).unwrap().jobs[0].state, JobState::Waiting);
    desk.ask(EndComparison { keep: false }).unwrap();
    assert_eq!(end_of_comparison(&desk).stage, ComparisonStage::Cancelled);
    assert_eq!(desk.ask(ListComparisons {}).unwrap(), []);
    assert_eq!(desk.result_of(&job).outcome, Outcome::Done, "the queue goes on afterwards");
}

#[test]
fn while_something_is_compared_nothing_is_imported_and_quitting_asks() {
    let desk = TestDesk::open();
    let is_asked = || desk.events().contains(&Event::QuitAsked);
    desk.ask(AskToQuit {}).unwrap();
    assert!(!is_asked(), "nothing would be stopped");
    start_long_comparison(&desk);
    for path in [None, Some("table.csv".to_owned())] {
        let refused = desk.ask(ImportTable { path }).unwrap_err().to_string();
        assert!(refused.contains("are being compared") && refused.contains("cancel it"), "{refused}");
    }
    assert_eq!(desk.ask(GetImport {}).unwrap(), None);
    assert!(matches!(desk.ask(AskToQuit {}), Err(Failure::Missing { .. })), "there is no window to be shown");
    assert!(is_asked());
    desk.ask(EndComparison { keep: false }).unwrap();
    end_of_comparison(&desk);
}

#[test]
fn an_import_is_followed_and_when_cancelled_leaves_nothing() {
    let desk = TestDesk::open();
    let packed = |text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let (header, row) = (COLUMNS.join(","), "m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,1,1\n");
    let path = |name: &str| desk.folder.path().join(name).display().to_string();
    // Ten million rows, which take far longer to read than it takes to cancel.
    let large = [packed(&format!("{header}\n")), packed(&row.repeat(10_000)).repeat(1_000)].concat();
    fs::write(path("large.csv.gz"), large).unwrap();
    thread::scope(|scope| {
        let import = scope.spawn(|| desk.ask(ImportTable { path: Some(path("large.csv.gz")) }));
        let far = desk.wait_for("rows", |desk| desk.ask(GetImport {}).unwrap().filter(|import| import.rows > 0));
        assert!(far.file == "large.csv.gz" && far.share.is_some_and(|share| 0.0 < share && share < 1.0), "{far:?}");
        let refused = desk.ask(OpenStore { path: Some(path("other.duckdb")) }).unwrap_err().to_string();
        assert!(refused.contains("results are being imported") && refused.contains("cancel it"), "{refused}");
        desk.ask(CancelImport {}).unwrap();
        assert_eq!(import.join().unwrap(), Err(Failure::Cancelled));
    });
    assert_eq!(desk.ask(GetImport {}).unwrap(), None);
    let events = desk.events();
    assert!(events.contains(&Event::Import(None)) && !events.contains(&Event::ResultsChanged), "{events:?}");
    assert_eq!(desk.ask(Hello {}).unwrap().results, 0);

    fs::write(path("small.csv"), format!("{header}\n{row}")).unwrap();
    assert_eq!(desk.ask(ImportTable { path: Some(path("small.csv")) }).unwrap().unwrap().taken, 1);
    assert!(desk.events().contains(&Event::ResultsChanged));
}

#[test]
fn the_rows_that_an_import_did_not_take_are_saved_until_the_next_import_has_ended() {
    let desk = TestDesk::open();
    let path = |name: &str| desk.folder.path().join(name).display().to_string();
    let row = "m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,1,1\n";
    fs::write(path("t.csv"), format!("{}\n{row}{row}", COLUMNS.join(","))).unwrap();
    let import = || desk.ask(ImportTable { path: Some(path("t.csv")) }).unwrap().unwrap();
    let save = |report: &ImportReport| {
        desk.ask(SaveImportReport { number: report.number.unwrap(), path: Some(path("rows.csv")) })
    };
    let first = import();
    assert_eq!(save(&first), Ok(Some(path("rows.csv"))));
    assert_eq!(fs::read_to_string(path("rows.csv")).unwrap().lines().count(), 2, "its header and one duplicate");
    assert!(desk.ask(ImportTable { path: Some(path("none.csv")) }).is_err());
    assert!(save(&first).is_ok(), "one that failed has no list");

    let second = import();
    let gone = save(&first).unwrap_err().to_string();
    assert!(gone.contains("another import has ended since. Import the file again"), "{gone}");
    save(&second).unwrap();
    assert_eq!(fs::read_to_string(path("rows.csv")).unwrap().lines().count(), 3);
    let nowhere = path("no/such/folder/rows.csv");
    let failure = desk.ask(SaveImportReport { number: second.number.unwrap(), path: Some(nowhere) }).unwrap_err();
    assert!(failure.to_string().contains("it could not be written"), "{failure}");
}

#[test]
fn stored_results_stand_beside_each_other_where_they_are_alike() {
    let desk = TestDesk::open();
    let plan = Plan { batches: vec![1, 8, 16], ..desk.plan("preset:bert-tiny") };
    let mut jobs = desk.ask(StartPlan { plan }).unwrap();
    jobs.extend(desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap());
    let runs: Vec<RunId> = jobs.iter().map(|job| desk.result_of(job).id).collect();
    let ask = |at: &[usize]| {
        let runs = at.iter().map(|at| runs[*at].clone()).collect();
        desk.ask(CompareStored { runs, rules: CompareRules::default() }).unwrap()
    };
    let sweep = ask(&[0, 1, 2]);
    assert!(sweep.beside[1..].iter().all(|beside| matches!(beside, Beside::Unlike { .. })), "{:?}", sweep.beside);
    let scaling = sweep.scaling.expect("three batches are a sweep");
    assert!(scaling.over == ScaleOver::Batch && scaling.terms[1].ms > 0.0, "{scaling:?}");
    let again = ask(&[0, 3]);
    assert_eq!(again.scaling, None);
    // candle alone is checked by nobody, and what is unchecked is not ranked.
    match &again.beside[1] {
        Beside::Alike(ratio) => assert!(ratio.interval.is_some(), "{ratio:?}"),
        Beside::Unlike { reason } => assert!(reason.contains("not ranked"), "{reason}"),
        Beside::Baseline => panic!("the first one is the baseline"),
    }
}

#[test]
fn every_model_type_is_listed_with_what_can_be_done_with_it() {
    let desk = TestDesk::open();
    let types = desk.ask(ListTypes {}).unwrap();
    assert_eq!(types.len(), 804);
    let of = |types: &[TypeRow], name: &str| types.iter().find(|row| row.model_type == name).unwrap().clone();
    let bert = of(&types, "bert");
    assert_eq!((bert.family, bert.support, bert.parameters), (Family::Encoder, Support::Measured, Some(109_482_240)));
    assert_eq!(bert.reads, [Medium::Text]);
    assert!(bert.tasks.contains(&"fill-mask".to_owned()) && bert.evidence.is_empty());
    assert!(types.iter().filter(|row| row.support == Support::Measured).count() >= 100);
    assert!(types.iter().all(|row| !row.family_reason.is_empty()));
    let unbuilt = types.iter().find_map(|row| match &row.support {
        Support::Templates { reason } => Some(reason),
        _ => None,
    });
    assert!(unbuilt.is_some_and(|reason| reason.contains("Templates")), "{unbuilt:?}");

    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    assert_eq!(desk.result_of(&job).outcome, Outcome::Done);
    let record = EngineRecord { engine: "candle".into(), measured: 1, failed: 0 };
    assert_eq!(of(&desk.ask(ListTypes {}).unwrap(), "bert").evidence, [record]);
}

#[test]
fn a_type_that_is_not_built_is_known_with_its_reason_and_the_bytes_of_its_weights() {
    let desk = TestDesk::open();
    let of = |model_type: &str| desk.ask(GetType { model_type: model_type.into() });
    let listed = desk.ask(ListTypes {}).unwrap();
    for model_type in ["bert", "rwkv", "aimv2_text_model"] {
        assert_eq!(Some(&of(model_type).unwrap()), listed.iter().find(|row| row.model_type == model_type));
    }
    let rwkv = of("rwkv").unwrap();
    assert!(matches!(&rwkv.support, Support::Templates { reason } if reason.contains("RwkvModel")), "{rwkv:?}");
    let bytes = [Precision::F32, Precision::Bf16, Precision::Int8, Precision::Int4].map(|one| rwkv.weight_bytes(one));
    let parameters = 7_186_714_624;
    assert_eq!(bytes, [4 * parameters, 2 * parameters, parameters, parameters / 2].map(Some));
    let part = of("aimv2_text_model").unwrap();
    assert!(matches!(&part.support, Support::NotYet { reason } if reason.contains("larger model")), "{part:?}");
    assert_eq!(part.weight_bytes(Precision::F32), None);
    assert!(matches!(of("nobody"), Err(Failure::NotFound { .. })));
}

const NEVER_SEEN: &str = r#"{
  "model_type": "bert",
  "hidden_size": 48,
  "num_hidden_layers": 3,
  "num_attention_heads": 4,
  "intermediate_size": 96,
  "vocab_size": 200
}"#;

fn described(desk: &TestDesk, text: &str, dims: &[(&str, u32)]) -> ConfigReading {
    let dims = dims.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    desk.ask(DescribeModel { of: Described::Text { text: text.into() }, dims }).unwrap()
}

#[test]
fn a_configuration_is_described_while_it_is_written() {
    let desk = TestDesk::open();
    let reading = described(&desk, NEVER_SEEN, &[]);
    let layers = reading.sizes.iter().find(|size| size.layers).unwrap();
    assert_eq!((layers.key.as_str(), layers.value, layers.own), ("num_hidden_layers", 3, true));
    let longest = reading.sizes.iter().find(|size| size.key == "max_position_embeddings").unwrap();
    assert_eq!((longest.value, longest.own), (512, false), "what is not written is the default");
    assert!(reading.classes.iter().any(|class| class.name == "BertForMaskedLM"));

    let three = reading.description.unwrap();
    let six = json_text::with_value(NEVER_SEEN, &layers.key, "6").unwrap();
    let six = described(&desk, &six, &[]).description.unwrap();
    let nine = json_text::with_value(NEVER_SEEN, &layers.key, "9").unwrap();
    let nine = described(&desk, &nine, &[]).description.unwrap();
    let parameters = [&three, &six, &nine].map(|one| one.parameters.unwrap());
    assert_eq!(parameters[1] - parameters[0], 3 * (4 * (48 * 48 + 48) + 2 * 48 * 96 + 96 + 48 + 4 * 48));
    assert_eq!(parameters[2] - parameters[1], parameters[1] - parameters[0]);
    assert!(six.macs > three.macs);
    let longer = described(&desk, NEVER_SEEN, &[("sequence", 256), ("batch", 2)]).description.unwrap();
    assert!(longer.macs > six.macs && longer.parameters == three.parameters);
}

#[test]
fn a_configuration_that_makes_no_sense_is_told_at_its_line() {
    let desk = TestDesk::open();
    let problem = |text: &str| {
        let reading = described(&desk, text, &[]);
        assert_eq!(reading.description, None);
        reading.problem.unwrap()
    };
    let broken = problem(&NEVER_SEEN.replace("48,", "48 ;"));
    assert_eq!((broken.line, broken.key), (Some(3), None), "{}", broken.reason);
    let none = problem(&NEVER_SEEN.replace("attention_heads\": 4", "attention_heads\": 0"));
    assert_eq!((none.line, none.key.as_deref()), (Some(5), Some("num_attention_heads")));
    assert!(none.reason.contains("whole number from 1"), "{}", none.reason);
    let uneven = problem(&NEVER_SEEN.replace("attention_heads\": 4", "attention_heads\": 5"));
    assert_eq!((uneven.line, uneven.key.as_deref()), (Some(3), Some("hidden_size")));
    let unknown = problem(&NEVER_SEEN.replace("\"bert\"", "\"berrt\""));
    assert_eq!((unknown.line, unknown.remedy.as_str()), (Some(2), "Did you mean bert?"));
    problem("");
    problem("[]");

    let long = described(&desk, NEVER_SEEN, &[("sequence", 4000)]);
    let reason = long.problem.clone().unwrap();
    assert_eq!((reason.dim.as_deref(), reason.key), (Some("sequence"), None));
    assert!(long.sizes.len() > 4, "the form stays");
}

#[test]
fn a_model_that_does_not_fit_is_offered_the_layers_that_do() {
    let desk = TestDesk::open();
    let text = NEVER_SEEN.replace("48,", "8192,").replace("96,", "32768,").replace("layers\": 3", "layers\": 2000");
    let reading = described(&desk, &text, &[]);
    let fitting = reading.fitting_layers.unwrap();
    let (key, fit) = fitting.keys.first_key_value().unwrap();
    assert_eq!((key.as_str(), fitting.keys.len()), ("num_hidden_layers", 1));
    assert!(fitting.named.starts_with(&format!("{fit} layer")), "{}", fitting.named);
    let needed = |layers: u64| {
        let text = json_text::with_value(&text, key, &layers.to_string()).unwrap();
        described(&desk, &text, &[]).description.unwrap().memory[0].most_bytes()
    };
    assert!(needed(*fit) <= reading.available_memory_bytes);
    assert!(needed(fit + 1) > reading.available_memory_bytes);
    assert_eq!(described(&desk, NEVER_SEEN, &[]).fitting_layers, None);
}

#[test]
fn a_configuration_to_start_from_is_one_that_is_described() {
    let desk = TestDesk::open();
    let config = |source: ConfigSource| desk.ask(GetConfig { source }).unwrap();
    let preset = config(ConfigSource::Listed { id: "preset:bert-tiny".into() });
    assert_eq!(preset.name, "bert-tiny");
    assert!(described(&desk, &preset.text.unwrap(), &[]).description.is_some());
    for model_type in ["bert", "llama", "whisper", "clip", "detr"] {
        let text = config(ConfigSource::Type { model_type: model_type.into() }).text.unwrap();
        let reading = described(&desk, &text, &[]);
        assert!(
            reading.description.is_some_and(|one| one.model_type == model_type),
            "{model_type} {:?}",
            reading.problem
        );
    }
    let nobody = GetConfig { source: ConfigSource::Type { model_type: "nobody".into() } };
    assert!(matches!(desk.ask(nobody), Err(Failure::NotFound { .. })));
}

fn few_layers(text: &str, mode: Mode, sizes: &[(&str, u32)]) -> ForecastLayers {
    let dims = sizes.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    ForecastLayers { name: "Mine".into(), text: text.into(), mode, dims }
}

#[test]
fn a_model_measured_with_a_few_layers_is_predicted_whole() {
    let desk = TestDesk::open();
    // Wide enough for a layer to take longer than what surrounds it.
    let text = NEVER_SEEN.replace("48,", "512,").replace("96,", "2048,").replace("layers\": 3", "layers\": 12");
    let forecasts = || desk.ask(few_layers(&text, Mode::Inference, &[])).unwrap();
    let before = forecasts();
    assert_eq!((before.layers, before.few.len(), before.forecasts.len()), (12, 4, 0));
    assert_eq!(before.few[0].name, "Mine, 1 layer");
    let models: Vec<ModelId> = before
        .few
        .into_iter()
        .map(|few| desk.ask(AddConfigText { name: few.name, text: few.text.unwrap() }).unwrap().id)
        .collect();
    let jobs = desk.ask(StartPlan { plan: Plan { models, ..desk.plan("") } }).unwrap();
    let runs: Vec<Run> = jobs.iter().map(|job| desk.result_of(job)).collect();
    assert!(runs.iter().all(|run| run.outcome == Outcome::Done));
    let checked = runs.iter().all(|run| matches!(run.check, OutputCheck::Agrees { .. }));
    let medians: Vec<f64> = runs.iter().filter_map(|run| run.timing.as_ref()).map(|timing| timing.median_ms).collect();
    // On a machine that is busy with something else a deeper model may seem to be faster.
    let grows = medians.windows(2).all(|pair| pair[0] < pair[1]);
    let after = forecasts();
    assert!(checked || after.forecasts.is_empty(), "only what was checked is built upon");
    assert!(!(checked && grows) || after.forecasts.len() == 1, "{medians:?}");
    for forecast in after.forecasts {
        let layers: Vec<u32> = forecast.from.iter().map(|run| run.layers).collect();
        assert_eq!(layers, [1, 2, 3, 4]);
        let MedianTime { ms, low_ms, high_ms } = forecast.times.call;
        assert!(low_ms <= ms && ms <= high_ms);
        assert_eq!((forecast.times.tokens, forecast.tokens_per_s), (None, None));
    }
}

#[test]
fn text_written_with_a_few_layers_predicts_the_first_token_and_each_further_one_of_the_whole() {
    let desk = TestDesk::open();
    let text = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96,
        "hidden_size": 256, "num_attention_heads": 4, "num_hidden_layers": 12, "intermediate_size": 512,
        "max_position_embeddings": 32}"#;
    let asked = [("batch", 2), ("sequence", 12), (OUTPUT, 4)];
    let forecasts = |mode, asked: &[(&str, u32)]| desk.ask(few_layers(text, mode, asked)).unwrap();
    // Three numbers of layers are enough for a line.
    let few = forecasts(Mode::Generation, &asked).few.into_iter().take(3);
    let add = |few: ConfigText| desk.ask(AddConfigText { name: few.name, text: few.text.unwrap() }).unwrap().id;
    let models: Vec<ModelId> = few.map(add).collect();
    let plan = Plan {
        sizes: models.iter().map(|id| (id.clone(), vec![12])).collect(),
        models,
        mode: Mode::Generation,
        batches: vec![2],
        dims: [(OUTPUT.to_owned(), 4)].into(),
        ..desk.plan("")
    };
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    let runs: Vec<Run> = jobs.iter().map(|job| desk.result_of(job)).collect();
    assert!(runs.iter().all(|run| run.outcome == Outcome::Done));
    let checked = runs.iter().all(|run| matches!(run.check, OutputCheck::Agrees { .. }));
    let times = runs.iter().map(|run| {
        let (timing, written) = (run.timing.as_ref().unwrap(), run.generated.as_ref().unwrap());
        [timing.median_ms, written.first_token.ms, written.token.ms]
    });
    let times: Vec<[f64; 3]> = times.collect();
    // On a machine that is busy with something else a deeper model may seem to be faster.
    let grows = times.windows(2).all(|pair| pair[0].iter().zip(&pair[1]).all(|(fewer, more)| fewer < more));
    let after = forecasts(Mode::Generation, &asked);
    assert!(checked || after.forecasts.is_empty(), "only what was checked is built upon");
    assert!(!(checked && grows) || after.forecasts.len() == 1, "{times:?}");
    for LayerForecast { times: LayerTimes { call, tokens }, tokens_per_s, from, .. } in after.forecasts {
        let TokenTimes { first, further } = tokens.unwrap();
        let measured = from.iter().map(|run| (run.times.call.ms, run.times.tokens.unwrap()));
        let measured: Vec<[f64; 3]> = measured.map(|(ms, tokens)| [ms, tokens.first.ms, tokens.further.ms]).collect();
        assert_eq!(measured, times);
        for (whole, most) in [call, first, further].into_iter().zip(times[2]) {
            assert!(whole.low_ms <= whole.ms && whole.ms <= whole.high_ms, "{whole:?}");
            assert!(!grows || whole.ms > most, "{whole:?} {most}");
        }
        assert!((tokens_per_s.unwrap() * further.ms / 2000.0 - 1.0).abs() < 1e-9, "{tokens_per_s:?} {further:?}");
    }
    // Neither another length of the text nor one pass was measured.
    let longer = [("batch", 2), ("sequence", 12), (OUTPUT, 5)];
    for other in [forecasts(Mode::Generation, &longer), forecasts(Mode::Inference, &asked)] {
        assert_eq!(other.forecasts, []);
    }
}

#[test]
fn an_encoder_and_its_decoder_are_measured_with_few_layers_together() {
    let desk = TestDesk::open();
    let text = r#"{"model_type": "bart", "vocab_size": 96, "d_model": 32, "max_position_embeddings": 40,
        "encoder_layers": 12, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
        "decoder_layers": 6, "decoder_attention_heads": 4, "decoder_ffn_dim": 48}"#;
    let forecasts = desk.ask(few_layers(text, Mode::Inference, &[])).unwrap();
    assert_eq!((forecasts.layers, forecasts.named.as_str()), (12, "12 encoder and 6 decoder layers"));
    let names: Vec<&str> = forecasts.few.iter().map(|few| few.name.as_str()).collect();
    assert_eq!(names.first(), Some(&"Mine, 2 encoder and 1 decoder layer"));
    assert_eq!(names.last(), Some(&"Mine, 8 encoder and 4 decoder layers"));
    let reading = described(&desk, forecasts.few[1].text.as_deref().unwrap(), &[]);
    let layers: Vec<u64> = reading.sizes.iter().filter(|size| size.layers).map(|size| size.value).collect();
    assert_eq!(layers, [4, 2]);
}

/// Text is generated on every ready engine, and the figures stand in the matrix beside those of one pass.
#[test]
fn generated_text_is_measured_on_every_engine_and_has_its_own_metrics() {
    let desk = TestDesk::open();
    let config = r#"{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 80, "n_embd": 24,
        "n_head": 3, "n_layer": 2, "n_positions": 32}"#;
    let info = desk.ask(AddConfigText { name: "Writer".into(), text: config.into() }).unwrap();
    let targets = cpu_targets(&desk);
    let plan = Plan {
        targets: targets.clone(),
        mode: Mode::Generation,
        sizes: [(info.id.clone(), vec![8])].into(),
        dims: [(OUTPUT.to_owned(), 4)].into(),
        ..desk.plan(&info.id.0)
    };
    let quantised = Plan { precisions: vec![Precision::Int8, Precision::Int8Static], ..plan.clone() };
    for plan in [&plan, &quantised] {
        let estimate = desk.ask(EstimatePlan { plan: plan.clone() }).unwrap();
        assert!(estimate.lines.iter().all(|line| line.refusal.is_none() && line.secs.is_some_and(|secs| secs > 0.0)));
    }
    // Two tokens after a prompt of eight: the second is written with the eight in the cache, as the description has it.
    let two = Plan { dims: [(OUTPUT.to_owned(), 2)].into(), ..plan.clone() };
    let needed = desk.ask(EstimatePlan { plan: two }).unwrap().lines[0].memory_bytes;
    let description = described(&desk, config, &[("sequence", 8)]).description.unwrap();
    assert_eq!(needed, description.memory[0].phase_bytes(CostPhase::Generation), "as it is measured");
    for job in desk.ask(StartPlan { plan }).unwrap() {
        let run = desk.result_of(&job);
        assert_eq!(run.outcome, Outcome::Done, "{}: {:?}", run.setting.engine, run.log);
        assert_eq!(run.generated.as_ref().unwrap().output_tokens, 4);
        if targets.len() > 1 {
            assert!(matches!(run.check, OutputCheck::Agrees { .. }), "{:?}", run.check);
        }
    }
    let job = desk.ask(StartPlan { plan: desk.plan(&info.id.0) }).unwrap().remove(0);
    let one_pass = desk.result_of(&job);
    let cell = |metric| {
        let matrix = desk.ask(GetMatrix { metric, filter: Filter::default() }).unwrap();
        let row = matrix.rows.into_iter().find(|row| row.model == "Writer").unwrap();
        row.cells.into_iter().find(|cell| matches!(cell, MatrixCell::Figure { .. })).unwrap()
    };
    let MatrixCell::Figure { value, mode, low, high, .. } = cell(Metric::TokenRate) else { unreachable!() };
    assert!(mode == Mode::Generation && low.unwrap() <= value && value <= high.unwrap());
    let MatrixCell::Figure { run, mode, .. } = cell(Metric::Latency) else { unreachable!() };
    assert_eq!((run, mode), (one_pass.id, Mode::Inference));

    let refused = Plan { mode: Mode::Generation, ..desk.plan("preset:bert-tiny") };
    let line = desk.ask(EstimatePlan { plan: refused }).unwrap().lines.remove(0);
    assert!(line.refusal.as_ref().unwrap().contains("does not write text"), "{line:?}");
}
