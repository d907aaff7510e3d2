//! Every request the window can make, with its answer's type. One list; a request without an answer does not compile.

use crate::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// A typed question and the type of its answer.
pub trait Request: Serialize + DeserializeOwned {
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned;

    /// The same question in the form that travels.
    fn into_ask(self) -> Ask;
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident : $type:ty),* $(,)? })? -> $answer:ty;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub struct $name { $($(pub $field: $type,)*)? }

            impl Request for $name {
                const NAME: &'static str = stringify!($name);
                type Answer = $answer;

                fn into_ask(self) -> Ask {
                    Ask::$name(self)
                }
            }
        )+

        /// Any request, as it travels from window to shell.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "request", content = "with")]
        pub enum Ask { $($name($name),)+ }

        impl Ask {
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)+ }
            }
        }

        /// Calls `$body!(Name)` for every request; the shell builds its dispatch from it.
        #[macro_export]
        macro_rules! for_each_request {
            ($body:ident) => { $body! { $($name)+ } };
        }
    };
}

requests! {
    /// The first thing the window asks.
    Hello -> Start;

    // This machine
    GetMachine -> Machine;
    Rescan -> Machine;
    ReportWebView { facts: WebViewFacts } -> ();
    /// Answers at once; progress comes as events.
    MeasurePeaks -> ();
    CancelPeaks -> ();

    // Models
    ListModels -> Vec<ModelInfo>;
    /// Reads a config.json, a safetensors file (its config beside it), an .onnx file, or a folder with one of these.
    AddModel { path: String } -> ModelInfo;
    /// A config.json pasted as text.
    AddConfigText { name: String, text: String } -> ModelInfo;
    RemoveModel { id: ModelId } -> ();
    /// Opens the system's file dialog; none when the person closed it.
    PickModelFile -> Option<String>;
    /// Every model type that transformers knows, by name.
    ListTypes -> Vec<TypeRow>;
    /// One of them.
    GetType { model_type: String } -> TypeRow;
    /// A configuration to start from.
    GetConfig { source: ConfigSource } -> ConfigText;
    /// What a model costs with these sizes of its inputs, by name; a configuration that makes no sense says where.
    DescribeModel { of: Described, dims: BTreeMap<String, u32> } -> ConfigReading;
    /// What a configuration would take whole with these sizes of its inputs, from runs of it with a few layers. Where text
    /// is generated, [`OUTPUT`] is one of the sizes.
    ForecastLayers { name: String, text: String, mode: Mode, dims: BTreeMap<String, u32> } -> LayerForecasts;

    // Models of Hugging Face, asked for over the network
    /// Asks what a repository holds at this branch, tag or commit, `main` where none is named. Keeps nothing of it.
    LookUpHub { repository: String, revision: Option<String> } -> HubModel;
    /// Fetches the configuration in a folder of a repository, `""` being the repository itself, and the weights of this
    /// name beside it, and lists the model. Answers at once; progress and the end come as events.
    StartFetch { repository: String, revision: String, folder: String, weights: Option<String> } -> ();
    /// What is being fetched, or was fetched last since the start.
    GetFetch -> Option<Fetch>;
    /// Ends a look-up and what is being fetched; what arrived is kept for the next time.
    CancelFetch -> ();

    // Launch
    EstimatePlan { plan: Plan } -> PlanEstimate;
    StartPlan { plan: Plan } -> Vec<JobId>;
    GetQueue -> Queue;
    GetLive -> Option<Live>;
    PauseQueue { paused: bool } -> ();
    /// Moves a waiting job to this place among the waiting ones, 0 being next.
    MoveJob { id: JobId, to: u32 } -> ();
    /// A running job's worker ends within a second.
    CancelJob { id: JobId } -> ();
    CancelAll -> u32;

    // Compare
    /// Answers at once; progress and the end come as events. Refused while anything else is being measured.
    StartComparison { order: ComparisonOrder } -> ();
    /// Ends the rounds and keeps what they told, or gives all of it up.
    EndComparison { keep: bool } -> ();
    /// The one going on, or the last one since the start.
    GetLiveComparison -> Option<LiveComparison>;
    /// Newest first.
    ListComparisons -> Vec<ComparisonRow>;
    GetComparison { id: ComparisonId } -> ComparisonView;
    /// Stored results beside the first of them.
    CompareStored { runs: Vec<RunId>, rules: CompareRules } -> ResultsBeside;

    // Results
    GetMatrix { metric: Metric, filter: Filter } -> Matrix;
    /// The same with what was not measured predicted, for latency, throughput and memory.
    PredictMatrix { metric: Metric, filter: Filter } -> Matrix;
    GetFilterChoices -> FilterChoices;
    /// All results of one matrix cell, newest first.
    GetCellRuns { model: String, device: Option<DeviceId>, platform: Platform, filter: Filter } -> Vec<RunRow>;
    ListRuns { filter: Filter, order: RunOrder, offset: u64, limit: u32 } -> RunPage;
    GetRun { id: RunId } -> Run;
    SetNote { id: RunId, note: String } -> ();
    /// Soft: `RestoreRuns` brings them back.
    DeleteRuns { ids: Vec<RunId> } -> u32;
    RestoreRuns { ids: Vec<RunId> } -> u32;
    /// Deleted results that pass the filter, the newest deletion first.
    ListDeletedRuns { filter: Filter, offset: u64, limit: u32 } -> DeletedPage;
    /// A measurement table, or what generated benchmarks printed (.json). Asks the person for a file; none when they
    /// closed the dialog. Answers at its end; progress comes as events. Refused while anything is measured.
    ImportTable { path: Option<String> } -> Option<ImportReport>;
    /// Writes each row that an import did not take, with its line, outcome and cause, as CSV; none when the person closed
    /// the dialog. The list is kept until the next import has ended.
    SaveImportReport { number: u64, path: Option<String> } -> Option<String>;
    /// What is being imported; none where nothing is.
    GetImport -> Option<ImportProgress>;
    /// Ends what is being imported; nothing of it is stored.
    CancelImport -> ();
    ExportTable { path: Option<String>, filter: Filter, with_names: bool } -> Option<ExportReport>;
    /// Writes something the window made (a picture, a table); none when the person closed the dialog.
    SaveFile { suggested_name: String, base64: String, path: Option<String> } -> Option<String>;

    // Insight
    /// Where a piece of work should run. The first answer for new results learns from them, which may take a minute.
    Advise { work: Work, limits: Limits } -> Advice;
    /// What runs well on this machine.
    AdviseMachine { limits: Limits } -> MachineAdvice;
    /// A setting as a file for its engine, to be kept with `SaveFile`.
    WriteEngineFile { work: Work, setting: AdvisedSetting } -> EngineFile;
    GetCompatibility -> Compatibility;

    // Watch
    /// A change smaller than this share does not matter: 0.02 for 2 %.
    GetWatch { smallest_change: f64 } -> WatchBoard;
    GetSeries { series: String, smallest_change: f64 } -> SeriesHistory;
    /// Results on a level that is worse and not acknowledged.
    GetConcerns -> Vec<Concern>;
    /// No mark takes an earlier one away.
    SetMarks { marked: Vec<Marked>, mark: Option<Mark> } -> ();
    /// Queues the same setting once more, to see whether a new figure holds.
    MeasureAgain { run: RunId } -> JobId;

    /// Keeps predictions, to be held against what is measured later.
    AddForecasts { forecasts: Vec<MadeForecast> } -> ();
    /// How predictions fared against what was measured after them.
    GetForecastRecord -> ForecastRecord;
    /// What the times of the known results depend on, the most telling first.
    GetInfluences -> Vec<Influence>;

    // Templates
    ListTemplates -> Vec<TemplateRow>;
    GetTemplate { name: String } -> StoredTemplate;
    /// Keeps the text as a new version; a merged one settles what an update offers.
    SaveTemplate { name: String, text: String, origin: VersionOrigin, note: String } -> StoredTemplate;
    /// Newest first.
    GetTemplateHistory { name: String } -> Vec<TemplateVersion>;
    TagTemplate { name: String, number: u32, released: bool } -> ();
    /// A person's version with what an update brought; none where nothing is offered.
    MergeTemplate { name: String } -> Option<TemplateMerge>;
    /// What was typed and not saved; none where nothing was.
    GetUnsaved { name: String } -> Option<String>;
    /// Keeps what was typed until it is saved; none forgets it.
    KeepUnsaved { name: String, text: Option<String> } -> ();
    /// What is wrong in a text and what may be written in it, as this template among those in use.
    ReadTemplate { name: String, text: String } -> TemplateReading;
    /// What every template may use.
    ListTemplateWords -> Vec<TemplateWord>;
    /// What is made with this text in place of the template's.
    PreviewTemplate { name: String, text: String, choice: PreviewChoice } -> TemplatePreview;
    /// Lines of all templates that hold this text, letters of either case.
    FindInTemplates { text: String } -> Vec<TemplateHit>;
    ListModelTypes -> Vec<ModelTypeRow>;
    /// Renders and checks all that a text reaches, before and after; progress comes as events.
    GetImpact { name: String, text: String } -> TemplateImpact;
    /// Writes a folder, or a zip file; asks the person where without a path. None when they closed the dialog.
    GenerateFiles { wanted: FilesWanted, as_zip: bool, path: Option<String> } -> Option<GeneratedFiles>;
    /// Ends the impact or the generation that is under way.
    StopMaking -> ();
    /// A new template to begin with; none when the person closed the dialog.
    ProposeTemplate { start: TemplateStart } -> Option<ProposedTemplate>;
    /// Takes one that a person made out of use; its versions stay.
    RemoveTemplate { name: String } -> ();

    // Generated files, run
    GetPython -> PythonEnvironment;
    /// Asks the index over the network; takes some seconds. A question before it that has no answer yet is given up.
    PlanPython { index: String } -> PythonPlan;
    /// Fetches and installs packages. Answers at once; progress comes as events.
    MakePython { index: String } -> ();
    /// Ends the making of the environment, and asking what that would take.
    CancelPython -> ();
    RemovePython -> ();
    /// Says of these versions that what they make may run; kept for this person, not in the store.
    TrustTemplates { versions: Vec<TemplateAt> } -> ();
    /// Answers at once; progress comes as events. Runs nothing while a template is in use that is not trusted.
    StartTrials { plan: TrialPlan } -> ();
    GetTrials -> TrialsProgress;
    CancelTrials -> ();
    /// What each run is kept to.
    GetTrialLimits -> TrialLimits;
    /// A file as the templates in use make it.
    GetGeneratedFile { file: GeneratedFile } -> TemplatePreview;
    /// What is known of the files of this kind; one that was neither checked nor run is left out.
    GetCoverage { kind: String } -> Vec<Coverage>;
    GetTrial { id: String } -> Trial;
    /// What a command checked and ran, and what its benchmarks measured.
    KeepTrials { checks: Vec<FileCheck>, trials: Vec<Trial>, results: Vec<Run> } -> ();

    // Settings
    GetSettings -> Settings;
    SaveSettings { settings: Settings } -> ();
    GetStorage -> StorageInfo;
    /// Shows the libraries folder in the system's file manager, and makes it where it is not there.
    OpenLibraries -> ();
    /// Asks the person for a store where there is no path; none when they closed the dialog.
    OpenStore { path: Option<String> } -> Option<String>;
    /// Makes an empty store and opens it; a file that is there already is refused. Asks as `OpenStore` does.
    NewStore { path: Option<String> } -> Option<String>;
    /// Removes the generated weights; answers the bytes freed. Refused while anything is measured with them.
    ClearWeights -> u64;
    /// Kept by the system's secret store; an empty token removes it.
    SetToken { token: String } -> ();

    // The app
    /// Leaves; where that would stop something, `Event::QuitAsked` asks first.
    AskToQuit -> ();
    /// Answers `Event::QuitAsked`: stop what goes on and leave, or let it go on in the background.
    Quit { stop_queue: bool } -> ();
    /// A read-only statement over the open store; rows as JSON objects.
    Query { sql: String } -> serde_json::Value;
    /// Brings the window to the front, for a second start.
    Show -> ();
}
