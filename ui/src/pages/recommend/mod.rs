//! Recommend: where a model should run, what runs well here, and what ran where; each with its evidence.

mod answer;
mod ask;
mod families;
mod front;
mod here;
mod others;
mod prices;
mod question;
mod trust;
mod words;

pub use question::Question;

use crate::{
    actions,
    load::{Load, load},
    pages::RunDrawer,
    parts::*,
    state::{App, Place},
};
use contract::*;
use leptos::prelude::*;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Model,
    Machine,
    Families,
    Trust,
}

impl View {
    fn about(self) -> &'static str {
        match self {
            Self::Model => "Where a model should run, how sure that is, and what would make it surer.",
            Self::Machine => "Which models run well on this machine, measured or predicted.",
            Self::Families => "Which families of models ran on which platform. Only results count here, no promises.",
            Self::Trust => "How predictions fared against what was measured after them, and what they rest on.",
        }
    }
}

#[component]
pub fn Recommend() -> impl IntoView {
    let app = App::get();
    let question = Question::get();
    let choices = load(move || {
        app.results.track();
        Some(GetFilterChoices {})
    });
    view! {
        <section class="page recommend" data-testid="page-recommend">
            <header class="page-head">
                <div>
                    <h1>"Recommend"</h1>
                    <p class="lead">{move || question.view.get().about()}</p>
                </div>
                <Segmented
                    options=vec![
                        (View::Model, "One model".into(), "recommend-model".into()),
                        (View::Machine, "This machine".into(), "recommend-machine".into()),
                        (View::Families, "What ran where".into(), "recommend-families".into()),
                        (View::Trust, "How far to trust it".into(), "recommend-trust".into()),
                    ]
                    chosen=question.view
                    label="Question"
                    on_choose=move |view| question.view.set(view)
                />
            </header>
            <Updating
                load=choices
                ready=move |choices| {
                    let measured = Memo::new(move |_| choices.with(|choices| choices.models.clone()));
                    let empty = Memo::new(move |_| measured.with(Vec::is_empty));
                    move || match (empty.get(), question.view.get()) {
                        (_, View::Trust) => view! { <trust::Trust /> }.into_any(),
                        (true, _) => view! { <NothingKnown /> }.into_any(),
                        (_, View::Model) => view! { <OneModel measured /> }.into_any(),
                        (_, View::Machine) => view! { <here::Here /> }.into_any(),
                        (_, View::Families) => view! { <families::Families /> }.into_any(),
                    }
                }
            />
        </section>
    }
}

#[component]
fn NothingKnown() -> impl IntoView {
    let app = App::get();
    view! {
        <Empty
            icon="recommend"
            title="There is nothing to recommend from yet"
            explain="A recommendation rests on results: those of this machine, and those of others that you import. Two settings of one model are enough to compare; the more results there are, the narrower are the predictions."
        >
            <Button kind=ButtonKind::Primary large=true icon="launch" testid="recommend-measure" on_press=move |_| app.go(Place::Launch)>
                "Measure a first model"
            </Button>
            <Button large=true icon="import" testid="recommend-import" on_press=move |_| actions::import_table(app)>
                "Import measurements…"
            </Button>
        </Empty>
    }
}

#[component]
fn OneModel(
    /// Names of the models that have results.
    measured: Memo<Vec<String>>,
) -> impl IntoView {
    let app = App::get();
    let question = Question::get();
    let open = RwSignal::new(None::<(RunId, f64)>);
    let advice = load(move || {
        app.results.track();
        let limits = question.limits.get();
        Some(Advise { work: question.work()?, limits })
    });
    // The scope of the limits stays while a new answer is on its way.
    let scope = Memo::new(move |before: Option<&Scope>| {
        advice.value.with(|advice| match advice.ready() {
            Some(Advice::Given(given)) => given.scope.clone(),
            _ => before.cloned().unwrap_or_default(),
        })
    });
    view! {
        <div class="recommend-body">
            <ask::Ask measured scope />
            <div class="recommend-answer" aria-busy=move || advice.busy.get().to_string() class:busy=advice.busy>
                <words::Working busy=advice.busy />
                {move || match question.work() {
                    None => view! { <ChooseModel /> }.into_any(),
                    Some(_) => view! { <Answered advice open /> }.into_any(),
                }}
            </div>
        </div>
        {move || open.get().map(|(id, ms)| view! { <RunDrawer title="The result behind it" id ms on_close=move || open.set(None) /> })}
    }
}

#[component]
fn ChooseModel() -> impl IntoView {
    view! {
        <Empty
            icon="recommend"
            title="Which model?"
            explain="Choose a model on the left: one that has results, or one that Assay can build. Say what it is to do and what it must keep to, and the settings it can run in are put in order."
        />
    }
}

#[component]
fn Answered(advice: Load<Advice>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    view! {
        <Updating
            load=advice
            rows=8
            ready=move |advice| {
                let given = Memo::new(move |_| advice.get());
                move || match given.get() {
                    Advice::Given(given) => view! { <answer::Given given=*given open /> }.into_any(),
                    Advice::TooLittle { reason, remedy, model } => view! { <TooLittle reason remedy model /> }.into_any(),
                }
            }
        />
    }
}

#[component]
fn TooLittle(reason: String, remedy: String, model: Option<ModelId>) -> impl IntoView {
    let app = App::get();
    view! {
        <Empty icon="recommend" title="Too little is known" explain=format!("{reason}. {remedy}.")>
            {model.map(|model| view! {
                <Button
                    kind=ButtonKind::Primary
                    icon="launch"
                    testid="recommend-measure"
                    on_press=move |_| {
                        app.wanted_models.set(vec![model.clone()]);
                        app.go(Place::Launch);
                    }
                >
                    "Measure it here"
                </Button>
            })}
            <Button icon="import" on_press=move |_| actions::import_table(app)>"Import measurements…"</Button>
        </Empty>
    }
}
