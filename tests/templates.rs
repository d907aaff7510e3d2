//! Templates through the requests of the window: edited, previewed, kept, released, generated.

#[path = "common/desk.rs"]
mod desk;

use contract::*;
use desk::TestDesk;
use std::{collections::BTreeMap, fs, thread::sleep, time::Duration};

fn text(desk: &TestDesk, name: &str) -> String {
    desk.ask(GetTemplate { name: name.into() }).unwrap().text
}

fn read(desk: &TestDesk, name: &str, text: &str) -> TemplateReading {
    desk.ask(ReadTemplate { name: name.into(), text: text.into() }).unwrap()
}

fn choice(model_type: &str, platform: Platform) -> PreviewChoice {
    PreviewChoice { model_type: model_type.into(), platform, kind: "test".into(), variables: BTreeMap::new() }
}

fn save(desk: &TestDesk, name: &str, text: &str, note: &str) -> StoredTemplate {
    let (name, text, note) = (name.into(), text.into(), note.into());
    desk.ask(SaveTemplate { name, text, origin: VersionOrigin::Saved, note }).unwrap()
}

/// The line, from 1, that holds this.
fn line_of(text: &str, part: &str) -> u32 {
    text.lines().position(|line| line.contains(part)).unwrap() as u32 + 1
}

#[test]
fn a_mistake_is_told_at_its_line_and_column_while_the_template_in_use_stays_sound() {
    let desk = TestDesk::open();
    let sound = text(&desk, "test.py");
    assert_eq!(read(&desk, "test.py", &sound).problems, []);
    let wrong = sound.replacen("{{ model.model_type }}", "{{ model.modle_type }}", 1);
    let problems = read(&desk, "test.py", &wrong).problems;
    let line = line_of(&wrong, "modle_type");
    assert_eq!((problems.len(), problems[0].line), (1, Some(line)), "{problems:?}");
    assert!(problems[0].column.is_some() && problems[0].reason.contains("modle_type"), "{problems:?}");
    let name = "test.py".to_owned();
    let refused = desk.ask(PreviewTemplate { name, text: wrong, choice: choice("llama", Platform::Cpu) }).unwrap_err();
    assert!(
        matches!(&refused, Failure::BadInput { place: Some(place), .. } if place.contains(&line.to_string())),
        "{refused:?}"
    );
    assert!(desk.ask(ListTemplates {}).unwrap().iter().all(|row| row.problems == 0), "nothing was kept of it");
}

#[test]
fn what_is_typed_is_previewed_and_outlives_the_window_until_it_is_saved() {
    let desk = TestDesk::open();
    let typed = text(&desk, "base.py").replace("SEED = {{ seed }}", "SEED = {{ seed }}  # mine");
    let preview = |text: &str| {
        let (name, text) = ("base.py".to_owned(), text.to_owned());
        desk.ask(PreviewTemplate { name, text, choice: choice("llama", Platform::Cuda) }).unwrap()
    };
    let made = preview(&typed);
    let at = line_of(&made.text, "SEED = 7  # mine");
    let origin = &made.origins[at as usize - 1];
    assert_eq!((origin.template.as_str(), origin.line), ("base.py", line_of(&typed, "# mine")));
    assert!(made.uses_edited && made.path == "tests/test_llama_cuda.py", "{}", made.path);

    desk.ask(KeepUnsaved { name: "base.py".into(), text: Some(typed.clone()) }).unwrap();
    let unsaved = || desk.ask(GetUnsaved { name: "base.py".into() }).unwrap();
    assert_eq!(unsaved().as_ref(), Some(&typed));
    let is_marked = || desk.ask(ListTemplates {}).unwrap().iter().any(|row| row.name == "base.py" && row.unsaved);
    assert!(is_marked());
    let kept = save(&desk, "base.py", &typed, "A mark of mine");
    assert_eq!((kept.version, kept.edited, unsaved(), is_marked()), (2, true, None, false));
    let unknown = desk.ask(KeepUnsaved { name: "none.py".into(), text: Some(String::new()) }).unwrap_err();
    assert!(matches!(unknown, Failure::NotFound { .. }), "{unknown:?}");
}

#[test]
fn an_older_version_is_restored_and_one_is_released() {
    let desk = TestDesk::open();
    let first = text(&desk, "skill.py");
    save(&desk, "skill.py", &format!("{first}\n"), "Another line");
    desk.ask(TagTemplate { name: "skill.py".into(), number: 1, released: true }).unwrap();
    let (name, note) = ("skill.py".to_owned(), "Version 1 again".to_owned());
    let restored = desk.ask(SaveTemplate { name, text: first.clone(), origin: VersionOrigin::Restored, note }).unwrap();
    assert_eq!((restored.version, restored.released, restored.text == first), (3, Some(1), true));
    let history = desk.ask(GetTemplateHistory { name: "skill.py".into() }).unwrap();
    let told: Vec<_> = history.iter().map(|version| (version.number, version.origin, version.released)).collect();
    let expected =
        [(3, VersionOrigin::Restored, false), (2, VersionOrigin::Saved, false), (1, VersionOrigin::Shipped, true)];
    assert_eq!(told, expected);
}

#[test]
fn a_hostile_template_is_refused_with_its_line_and_the_desk_goes_on() {
    let desk = TestDesk::open();
    let laughs = "---\nkind = \"test\"\nmodel_type = \"llama\"\n---\n{% set ns = namespace(x=\"ha\") %}\n{% for i in range(60) %}\n{% set ns.x = ns.x ~ ns.x %}\n{% endfor %}\n{{ ns.x }}\n";
    let endless = "---\nkind = \"test\"\nmodel_type = \"llama\"\n---\n{% macro again() %}\n{{ again() }}\n{% endmacro %}\n{{ again() }}\n";
    for (hostile, line) in [(laughs, "line 7"), (endless, "line 6")] {
        let (name, text) = ("test/hostile.py".to_owned(), hostile.to_owned());
        let refused = desk.ask(PreviewTemplate { name, text, choice: choice("llama", Platform::Cpu) }).unwrap_err();
        assert!(
            matches!(&refused, Failure::BadInput { place: Some(place), .. } if place.contains(line)),
            "{refused:?}"
        );
    }
    let circle = "---\nkind = \"test\"\nextends = \"test/hostile.py\"\n---\n";
    assert!(read(&desk, "test/hostile.py", circle).problems[0].reason.contains("extends itself"));
    assert_eq!(read(&desk, "test.py", &text(&desk, "test.py")).problems, []);
}

#[test]
fn a_template_that_fills_or_breaks_its_process_is_refused_and_the_next_is_made_as_before() {
    let desk = TestDesk::open();
    let text = |body: &str| format!("---\nkind = \"test\"\nmodel_type = \"llama\"\n---\n{body}\n");
    let preview = |body: &str| {
        let (name, text) = ("test/hostile.py".to_owned(), text(body));
        desk.ask(PreviewTemplate { name, text, choice: choice("llama", Platform::Cpu) })
    };
    let sound = preview("x = {{ model.model_type | py }}").unwrap();
    assert_eq!(sound.text, "x = \"llama\"\n");
    let too_much = "takes too much time or memory. Build smaller lists";
    let in_itself = "{% set ns = namespace() %}{% set ns.x = ns %}{{ \"\" ~ ns }}";
    for (body, said) in [
        (in_itself, too_much),
        ("{% set a, b = [1] * 100000000 %}", too_much),
        ("{% for turn in range(2) %}{{ loop.cycle() }}{% endfor %}", "breaks the template engine"),
    ] {
        let refused = preview(body).unwrap_err().to_string();
        assert!(refused.contains(&format!("test/hostile.py: making tests/test_llama_cpu.py {said}")), "{refused}");
        assert_eq!(preview("x = {{ model.model_type | py }}").unwrap(), sound);
    }

    save(&desk, "test/hostile.py", &text(in_itself), "Hostile");
    let wanted = FilesWanted {
        model_types: vec!["bert".into(), "llama".into()],
        platforms: vec![Platform::Cpu, Platform::Cuda],
        kinds: vec!["test".into()],
    };
    let path = Some(desk.folder.path().join("made").display().to_string());
    let made = desk.ask(GenerateFiles { wanted, as_zip: false, path }).unwrap().unwrap();
    assert_eq!(made.files, ["tests/test_bert_cpu.py", "tests/test_bert_cuda.py"]);
    let refused: Vec<(&str, Platform)> = made.refused.iter().map(|one| (&*one.model_type, one.platform)).collect();
    assert_eq!(refused, [("llama", Platform::Cpu), ("llama", Platform::Cuda)]);
    // It was tried once.
    assert!(made.refused.iter().all(|one| one.reason.contains("making tests/test_llama_cpu.py")), "{made:?}");
}

#[test]
fn a_change_is_told_for_all_that_it_reaches_before_it_is_saved() {
    let desk = TestDesk::open();
    let suite = text(&desk, "suite.json");
    let impact = |text: String| desk.ask(GetImpact { name: "suite.json".into(), text }).unwrap();
    assert_eq!(impact(suite.clone()), TemplateImpact::default());
    // A suite is made for each of the 804 types on each of the 8 platforms.
    let broken = impact(suite.replacen('{', "{,", 1));
    assert_eq!((broken.reached, broken.breaks.len(), broken.mends.len()), (6432, 6432, 0));
    assert!(broken.breaks[0].reason.contains("suite.json"), "{:?}", broken.breaks[0]);
    assert!(desk.events().iter().any(|event| matches!(event, Event::Making(done) if done.total >= 6432)));
}

#[test]
fn chosen_files_are_written_into_a_folder_and_a_zip_file() {
    let desk = TestDesk::open();
    let wanted = FilesWanted {
        model_types: ["bert", "llama", "vit"].map(str::to_owned).to_vec(),
        platforms: vec![Platform::Cpu, Platform::WebGpu],
        kinds: vec!["test".into(), "suite".into()],
    };
    for (as_zip, name) in [(false, "made"), (true, "made.zip")] {
        let path = desk.folder.path().join(name);
        let path = Some(path.display().to_string());
        let made = desk.ask(GenerateFiles { wanted: wanted.clone(), as_zip, path }).unwrap().unwrap();
        assert_eq!((made.files.len(), made.refused.len()), (9, 0), "{made:?}");
        assert!(made.files.contains(&"tests/test_llama_cpu.py".to_owned()));
    }
    assert!(desk.folder.path().join("made/suites/vit_webgpu.json").exists());
    let path = Some(desk.folder.path().join("made").display().to_string());
    let again = desk.ask(GenerateFiles { wanted, as_zip: false, path }).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
}

#[test]
fn a_new_template_is_proposed_kept_and_taken_out_of_use() {
    let desk = TestDesk::open();
    let start = TemplateStart::Family { kind: "test".into(), family: "vision".into() };
    let proposed = desk.ask(ProposeTemplate { start }).unwrap().unwrap();
    assert_eq!(
        (proposed.name.as_str(), read(&desk, &proposed.name, &proposed.text).problems),
        ("test/vision.py", vec![])
    );
    save(&desk, &proposed.name, &proposed.text, "New");
    let chosen = || {
        let (name, text) = ("test.py".to_owned(), text(&desk, "test.py"));
        desk.ask(PreviewTemplate { name, text, choice: choice("vit", Platform::Cpu) }).unwrap().template
    };
    assert_eq!(chosen(), "test/vision.py");
    desk.ask(RemoveTemplate { name: proposed.name.clone() }).unwrap();
    assert_eq!(chosen(), "test.py");
    let shipped = desk.ask(RemoveTemplate { name: "test.py".into() }).unwrap_err();
    assert!(shipped.to_string().contains("came with Assay"), "{shipped}");

    let old = desk.folder.path().join("old.tmpl");
    fs::write(&old, "name = \"{model_type}\"\n").unwrap();
    let start = TemplateStart::File { kind: "skill".into(), path: Some(old.display().to_string()) };
    let converted = desk.ask(ProposeTemplate { start }).unwrap().unwrap();
    assert!(converted.text.contains("{{ model.model_type }}") && converted.report.len() == 1, "{converted:?}");
}

#[test]
fn words_are_found_in_all_templates() {
    let desk = TestDesk::open();
    let hits = desk.ask(FindInTemplates { text: "seed = {{".into() }).unwrap();
    assert_eq!((hits.len(), hits[0].template.as_str(), hits[0].text.as_str()), (1, "base.py", "SEED = {{ seed }}"));
    assert_eq!(desk.ask(ListModelTypes {}).unwrap().len(), 804);
}

/// A plan that ran to its end.
fn proven(desk: &TestDesk, plan: TrialPlan) -> TrialsProgress {
    desk.ask(StartTrials { plan }).unwrap();
    desk.wait_for("the end of the plan", |desk| {
        let progress = desk.ask(GetTrials {}).unwrap();
        (!progress.active).then_some(progress)
    })
}

#[test]
fn what_was_checked_is_known_and_what_was_not_run_is_not_proven() {
    let desk = TestDesk::open();
    let coverage = || desk.ask(GetCoverage { kind: "test".into() }).unwrap();
    assert_eq!(coverage(), []);
    let plan = TrialPlan {
        model_types: vec!["bert".into(), "llama".into()],
        platforms: vec![Platform::Cpu, Platform::Cuda],
        kinds: vec!["test".into(), "suite".into()],
        ..TrialPlan::default()
    };
    let progress = proven(&desk, plan.clone());
    assert_eq!((progress.files, progress.checked, progress.unsound, progress.runs), (8, 8, 0, 0));
    let known = coverage();
    assert_eq!(known.len(), 4, "suites are another kind");
    assert!(known.iter().all(|known| known.trial.is_none() && !known.is_current()), "{known:?}");
    assert!(known.iter().all(|known| known.check.as_ref().is_some_and(|check| check.problem.is_none())), "{known:?}");
    let refused = desk.ask(StartTrials { plan: TrialPlan { run: true, ..plan.clone() } }).unwrap_err();
    assert!(matches!(&refused, Failure::Missing { remedy, .. } if remedy.contains("Templates")), "{refused:?}");

    // A file whose template changed is another file than the one that was checked.
    let file = known[0].file.clone();
    let made = desk.ask(GetGeneratedFile { file: file.clone() }).unwrap();
    assert!(made.path.starts_with("tests/test_bert") && made.text.contains("BATCH = 2"), "{}", made.path);
    let changed = text(&desk, "test.py").replace("BATCH = 2", "BATCH = 2 +");
    save(&desk, "test.py", &changed, "A mistake");
    assert!(desk.ask(GetGeneratedFile { file }).unwrap().text.contains("BATCH = 2 +"));
    assert_eq!(proven(&desk, plan).unsound, 4);
    let problem = coverage()[0].check.clone().unwrap().problem.unwrap();
    assert!(problem.starts_with("test.py, line ") && problem.contains("not Python"), "{problem}");
}

/// A plan that runs a benchmark of one's own with the Python that is there, trusted.
fn own_benchmark(desk: &TestDesk, body: &str) -> TrialPlan {
    let name = "benchmark/bert.py";
    let text = format!("---\nkind = \"benchmark\"\nmodel_type = \"bert\"\n---\n{body}");
    let version = save(desk, name, &text, "A benchmark").version;
    desk.ask(TrustTemplates { versions: vec![TemplateAt { name: name.into(), version }] }).unwrap();
    TrialPlan {
        model_types: vec!["bert".into()],
        platforms: vec![Platform::Cpu],
        kinds: vec!["benchmark".into()],
        run: true,
        python: Some("python3".into()),
    }
}

#[test]
fn nothing_runs_of_a_version_that_nobody_trusts() {
    let desk = TestDesk::open();
    let plan = own_benchmark(&desk, "print(1)\n");
    let is_trusted = || {
        let rows = desk.ask(ListTemplates {}).unwrap();
        rows.iter().find(|row| row.name == "benchmark/bert.py").unwrap().trusted
    };
    assert!(is_trusted());
    let run = |plan: &TrialPlan| desk.ask(StartTrials { plan: plan.clone() });
    desk.wait_for("its turn", |_| run(&plan).ok());
    save(&desk, "benchmark/bert.py", "---\nkind = \"benchmark\"\nmodel_type = \"bert\"\n---\nprint(2)\n", "Another");
    assert!(!is_trusted());
    let refused = run(&plan).unwrap_err().to_string();
    assert!(refused.contains("benchmark/bert.py") && refused.contains("trust"), "{refused}");
    let unknown = TrustTemplates { versions: vec![TemplateAt { name: "benchmark/bert.py".into(), version: 9 }] };
    assert!(matches!(desk.ask(unknown), Err(Failure::NotFound { .. })));
}

#[test]
fn a_text_as_it_came_with_assay_needs_no_trust_however_it_came_back() {
    let desk = TestDesk::open();
    let shipped = text(&desk, "test.py");
    let is_trusted = || {
        let rows = desk.ask(ListTemplates {}).unwrap();
        rows.iter().find(|row| row.name == "test.py").unwrap().trusted
    };
    assert!(is_trusted());
    save(&desk, "test.py", &format!("{shipped}# mine\n"), "Mine");
    assert!(!is_trusted());
    save(&desk, "test.py", &shipped, "As it was");
    assert!(is_trusted());
}

#[test]
fn a_store_from_someone_else_brings_no_trust() {
    let (theirs, ours) = (TestDesk::open(), TestDesk::open());
    let plan = own_benchmark(&theirs, "print(1)\n");
    let path = |name: &str| Some(theirs.folder.path().join(name).display().to_string());
    // Their window lets go of it.
    theirs.ask(OpenStore { path: path("other.duckdb") }).unwrap();
    ours.wait_for("the store", |ours| ours.ask(OpenStore { path: path("assay.duckdb") }).ok());
    let refused = ours.ask(StartTrials { plan }).unwrap_err().to_string();
    assert!(refused.contains("benchmark/bert.py") && refused.contains("trust"), "{refused}");
}

#[test]
fn where_the_file_of_trust_is_damaged_nothing_of_ones_own_runs() {
    let desk = TestDesk::open();
    let plan = own_benchmark(&desk, "print(1)\n");
    fs::write(desk.folder.path().join("trusted-templates.txt"), "nonsense").unwrap();
    let refused = desk.ask(StartTrials { plan }).unwrap_err().to_string();
    assert!(refused.contains("benchmark/bert.py"), "{refused}");
    let told = |event: &Event| matches!(event, Event::Notice(notice) if notice.text.contains("trusted-templates.txt"));
    assert!(desk.events().iter().any(told));
}

#[test]
fn nothing_is_measured_beside_generated_files_and_the_queue_goes_on_after_them() {
    let desk = TestDesk::open();
    let plan = own_benchmark(&desk, "import time\n\ntime.sleep(120)\n");
    desk.ask(GetMachine {}).unwrap();
    desk.wait_for("its turn", |desk| desk.ask(StartTrials { plan: plan.clone() }).ok());
    desk.wait_for("the file", |desk| desk.ask(GetTrials {}).unwrap().current);
    let setting = desk.plan("preset:bert-tiny").settings().remove(0);
    let (a, b, rules) = (setting.clone(), setting, CompareRules::default());
    let order = ComparisonOrder { a, b, rules, budget_secs: 1.0, after: None };
    let store = Some(desk.folder.path().join("other.duckdb").display().to_string());
    let fetch = StartFetch { repository: "gpt2".into(), revision: "main".into(), folder: String::new(), weights: None };
    let refusals = [
        desk.ask(StartTrials { plan: plan.clone() }).unwrap_err(),
        desk.ask(StartComparison { order }).unwrap_err(),
        desk.ask(MeasurePeaks {}).unwrap_err(),
        desk.ask(Rescan {}).unwrap_err(),
        desk.ask(fetch).unwrap_err(),
        desk.ask(RemovePython {}).unwrap_err(),
        desk.ask(ClearWeights {}).unwrap_err(),
        desk.ask(OpenStore { path: store }).unwrap_err(),
    ];
    for refusal in refusals {
        let said = refusal.to_string();
        assert!(said.contains("generated files are being run") && said.contains("cancel it"), "{said}");
    }
    let job = desk.ask(StartPlan { plan: desk.plan("preset:bert-tiny") }).unwrap().remove(0);
    let told = |event: &Event| matches!(event, Event::Notice(notice) if notice.text.contains("are being run"));
    assert!(desk.events().iter().any(told));
    sleep(Duration::from_millis(300));
    assert_eq!(desk.ask(GetQueue {}).unwrap().jobs[0].state, JobState::Waiting);
    desk.ask(CancelTrials {}).unwrap();
    assert_eq!(desk.result_of(&job).outcome, Outcome::Done);
    assert!(!desk.ask(GetTrials {}).unwrap().active);
}

#[test]
fn what_a_benchmark_measured_stands_in_the_matrix_as_pytorch() {
    let desk = TestDesk::open();
    let plan = own_benchmark(&desk, include_str!("common/benchmark.py"));
    desk.ask(GetMachine {}).unwrap();
    desk.wait_for("its turn", |desk| desk.ask(StartTrials { plan: plan.clone() }).ok());
    let stored = |event: &Event| if let Event::Stored(id) = event { Some(id.clone()) } else { None };
    let id = desk.wait_for("a result", |desk| desk.events().iter().find_map(stored));
    let run = desk.ask(GetRun { id: id.clone() }).unwrap();
    assert_eq!((run.evidence, run.setting.engine.label().as_str()), (Evidence::Measured, "PyTorch"));
    assert_eq!(desk.ask(GetTrial { id: id.0.clone() }).unwrap().outcome, TrialOutcome::Passed);

    let matrix = desk.ask(GetMatrix { metric: Metric::Latency, filter: Filter::default() }).unwrap();
    let row = matrix.rows.iter().find(|row| row.model == run.model.name).unwrap();
    let here = matrix.columns.iter().position(|column| {
        column.platform == Platform::Cpu && column.availability.is_ready() && column.device == Some("cpu".into())
    });
    let MatrixCell::Figure { value, engine, evidence, run: best, .. } = &row.cells[here.unwrap()] else {
        panic!("{:?}", row.cells)
    };
    assert_eq!((engine.0.as_str(), *evidence, best), ("pytorch", Evidence::Measured, &id));
    assert_eq!(*value, run.timing.unwrap().median_ms);
    let engines = vec!["pytorch".into()];
    let filter = Filter { engines, ..Filter::default() };
    let rows = desk.ask(ListRuns { filter, order: RunOrder::Newest, offset: 0, limit: 10 }).unwrap().rows;
    assert_eq!((rows.len(), rows[0].median_ms), (1, Some(*value)));
    let machine = desk.ask(GetMachine {}).unwrap();
    assert!(machine.engines.iter().all(|engine| engine.id.0 != "pytorch"), "Launch does not offer it");
    let again = desk.ask(MeasureAgain { run: id }).unwrap_err().to_string();
    assert!(again.contains("Templates"), "{again}");
}

#[test]
fn a_run_is_kept_to_limits_that_are_told() {
    let desk = TestDesk::open();
    let limits = desk.ask(GetTrialLimits {}).unwrap();
    assert_eq!((limits.longest_secs, limits.no_network), (900, cfg!(target_os = "linux")));
    let half = Settings { memory_share: 0.25, ..Settings::default() };
    desk.ask(SaveSettings { settings: half }).unwrap();
    assert!(desk.ask(GetTrialLimits {}).unwrap().memory_bytes < limits.memory_bytes);
}

#[test]
fn what_may_be_written_anywhere_is_asked_for_once() {
    let desk = TestDesk::open();
    let usual = desk.ask(ListTemplateWords {}).unwrap();
    assert!(usual.iter().any(|word| word.word == "family" && word.of.as_deref() == Some("model")));
    let own = read(&desk, "test.py", &text(&desk, "test.py")).words;
    assert!(own.iter().any(|word| word.word == "tolerance") && own.iter().all(|word| !usual.contains(word)));
}
