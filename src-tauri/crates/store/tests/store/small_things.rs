//! Inventory, peaks, queue, models and settings survive closing, and a crash is told.

use crate::making::{fresh, run};
use contract::*;
use jiff::Timestamp;
use store::Store;

fn machine(id: &str, seconds: i64) -> Machine {
    Machine {
        id: id.into(),
        name: "Ada's laptop".into(),
        os: "Linux".into(),
        cpu: "a CPU".into(),
        physical_cores: 4,
        logical_cores: 8,
        memory_bytes: 16_000_000_000,
        platforms: vec![PlatformStatus {
            platform: Platform::Mps,
            availability: Availability::missing("this is not a Mac", "use a Mac"),
            devices: Vec::new(),
            facts: vec![Fact::new("cores", 4)],
        }],
        engines: Vec::new(),
        browsers: Vec::new(),
        webview: None,
        peaks: Vec::new(),
        peaks_left_out: Vec::new(),
        scanned_at: Timestamp::from_second(seconds).unwrap(),
        changes: vec!["a device is new".into()],
    }
}

fn peak(best: f64) -> Peak {
    Peak {
        device: "cpu".into(),
        device_name: "a CPU".into(),
        platform: Platform::Cpu,
        kind: PeakKind::MatrixRate,
        precision: Some(Precision::F32),
        threads: Some(4),
        best,
        median: best * 0.9,
        low: best * 0.8,
        high: best,
        samples: 30,
        method: "gemm, 1024×1024".into(),
        measured_at: Timestamp::from_nanosecond(1_763_700_000_123_456_789).unwrap(),
    }
}

fn reopen((folder, store): (tempfile::TempDir, Store)) -> (tempfile::TempDir, Store) {
    let path = store.path().to_owned();
    drop(store);
    let store = Store::open(&path).unwrap();
    (folder, store)
}

#[test]
fn the_last_inventory_comes_back_with_its_peaks() {
    let (folder, store) = fresh();
    assert_eq!(store.last_machine().unwrap(), None);
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    store.save_machine(&machine("there", 50)).unwrap();
    store.save_machine(&machine("here", 100)).unwrap();
    let left_out = |what: &[&str]| what.iter().map(|what| format!("{what} is left out")).collect::<Vec<_>>();
    let (earlier, later) = (left_out(&["bf16"]), left_out(&["f16", "a GPU"]));
    store.save_peaks(&"here".into(), &[peak(1e9), peak(0.1 + 0.2)], &earlier).unwrap();
    store.save_peaks(&"here".into(), &[peak(2e9), peak(0.1 + 0.2)], &later).unwrap();
    store.save_machine(&machine("here", 200)).unwrap();
    let (_folder, store) = reopen((folder, store));
    let peaks = vec![peak(2e9), peak(0.1 + 0.2)];
    let expected = Machine { peaks, peaks_left_out: later, ..machine("here", 200) };
    assert_eq!(store.last_machine().unwrap(), Some(expected));
    assert_eq!(store.peaks(&"there".into()).unwrap(), []);
    assert!(store.peaks_left_out(&"there".into()).unwrap().is_empty());
    store.save_peaks(&"never scanned".into(), &[peak(1.0)], &earlier).unwrap();
    assert_eq!(store.peaks(&"never scanned".into()).unwrap(), [peak(1.0)]);
    assert_eq!(store.peaks_left_out(&"never scanned".into()).unwrap(), earlier);
}

#[test]
fn the_queue_and_its_pause_are_kept() {
    let (folder, store) = fresh();
    assert_eq!(store.load_queue().unwrap(), (Vec::new(), false));
    let job = |id: &str| Job {
        id: id.into(),
        setting: run(1, "bert", Platform::Cpu, 1.0).setting,
        model_name: "bert".into(),
        size_unit: Some(SizeUnit::Tokens),
        device_name: "a CPU".into(),
        state: JobState::Waiting,
        estimate_secs: 12.5,
    };
    store.save_queue(&[job("b"), job("a")], true).unwrap();
    store.save_queue(&[job("c"), job("a"), job("b")], true).unwrap();
    let (_folder, store) = reopen((folder, store));
    assert_eq!(store.load_queue().unwrap(), (vec![job("c"), job("a"), job("b")], true));
}

#[test]
fn an_interrupted_job_is_told_once_and_counted() {
    let (folder, store) = fresh();
    let setting = run(1, "bert", Platform::Cpu, 1.0).setting;
    let running = (JobId::from("job"), RunId::from("run"));
    assert_eq!(store.take_interrupted().unwrap(), None);
    let mut state = (folder, store);
    for times in 1..=3 {
        state.1.set_running(Some((&running.0, &running.1, &setting))).unwrap();
        state = reopen(state);
        let told = state.1.take_interrupted().unwrap().unwrap();
        assert_eq!(
            (told.job, told.run, told.setting, told.times),
            (running.0.clone(), running.1.clone(), setting.clone(), times)
        );
        assert_eq!(state.1.take_interrupted().unwrap(), None);
    }
    state.1.set_running(Some((&running.0, &running.1, &setting))).unwrap();
    state.1.set_running(None).unwrap();
    state = reopen(state);
    assert_eq!(state.1.take_interrupted().unwrap(), None, "it ended in order");
    state.1.set_running(Some((&running.0, &running.1, &setting))).unwrap();
    state = reopen(state);
    assert_eq!(state.1.take_interrupted().unwrap().unwrap().times, 1, "its earlier interruptions are forgotten");
}

#[test]
fn added_models_keep_their_order_and_can_be_removed() {
    let (folder, store) = fresh();
    let model = |id: &str, name: &str| ModelInfo {
        id: id.into(),
        name: name.into(),
        family: "bert".into(),
        origin: ModelOrigin::Onnx { path: "/models/a.onnx".into() },
        about: "Reads text".into(),
        parameters: Some(u64::MAX),
        macs: None,
        weight_bytes: 4,
        inputs: Vec::new(),
        outputs: Vec::new(),
        dims: Vec::new(),
        precisions: vec![Precision::F32],
        graph_hash: "ab".into(),
        operators: vec![("MatMul".into(), 3)],
        random_weights: false,
        experts: None,
    };
    store.save_model(&model("b", "first")).unwrap();
    store.save_model(&model("a", "second")).unwrap();
    store.save_model(&model("b", "renamed")).unwrap();
    let (_folder, store) = reopen((folder, store));
    assert_eq!(store.models().unwrap(), [model("b", "renamed"), model("a", "second")]);
    assert!(store.remove_model(&"b".into()).unwrap());
    assert!(!store.remove_model(&"b".into()).unwrap());
    assert_eq!(store.models().unwrap(), [model("a", "second")]);

    let sound = |name: &str, role, frames| Dim {
        name: name.into(),
        role,
        question: "How much sound?".into(),
        default: 1000,
        max: None,
        per_second: Some(100),
        frames,
    };
    let older = vec![sound("samples", DimRole::Other, false), sound("frames", DimRole::Sound, false)];
    store.save_model(&ModelInfo { dims: older, ..model("c", "third") }).unwrap();
    let now = [sound("samples", DimRole::Sound, false), sound("frames", DimRole::Sound, true)];
    assert_eq!(store.models().unwrap()[1].dims, now, "an older Assay had no role for sound and no frames");
}

#[test]
fn settings_are_kept_and_begin_with_the_defaults() {
    let (folder, store) = fresh();
    assert_eq!(store.settings().unwrap(), Settings::default());
    let chosen =
        Settings { theme: Theme::Dark, threads: Some(3), budget_secs: 2.5, welcomed: true, ..Settings::default() };
    store.save_settings(&Settings { memory_share: 0.5, ..Settings::default() }).unwrap();
    store.save_settings(&chosen).unwrap();
    let (_folder, store) = reopen((folder, store));
    assert_eq!(store.settings().unwrap(), chosen);
}

#[test]
fn marks_of_changes_are_kept_replaced_and_taken_away() {
    let (folder, store) = fresh();
    let change = Marked { series: "bert".into(), at: Some("2026-11-25".into()) };
    let series = Marked { series: "bert".into(), at: None };
    store.set_marks(&[change.clone(), series.clone()], Some(Mark::Acknowledged)).unwrap();
    store.set_marks(std::slice::from_ref(&series), Some(Mark::Muted)).unwrap();
    let (_folder, store) = reopen((folder, store));
    let kept = store.marks().unwrap();
    assert_eq!(kept, [(series.clone(), Mark::Muted), (change.clone(), Mark::Acknowledged)]);
    store.set_marks(&[change], None).unwrap();
    assert_eq!(store.marks().unwrap(), [(series, Mark::Muted)]);
}
