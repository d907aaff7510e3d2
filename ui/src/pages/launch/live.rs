//! The running measurement: its phases, its samples as they arrive, and how sure the figure is by now.

use crate::{
    bridge,
    parts::*,
    state::{App, Place},
};
use chart::format;
use contract::{CancelJob, Fed, Generating, Job, JobState, Live, Mode, NoiseGrade, PhaseName, counted, size_text};
use leptos::{prelude::*, task::spawn_local};

/// The phases a measurement goes through, in order.
const STEPS: [PhaseName; 9] = [
    PhaseName::Acquire,
    PhaseName::Reference,
    PhaseName::Start,
    PhaseName::Load,
    PhaseName::Compile,
    PhaseName::First,
    PhaseName::Check,
    PhaseName::WarmUp,
    PhaseName::Warm,
];

#[component]
pub fn LiveView() -> impl IntoView {
    let app = App::get();
    let running = Memo::new(move |_| {
        app.queue.with(|queue| queue.jobs.iter().find(|job| job.state == JobState::Running).cloned())
    });
    move || match running.get() {
        Some(job) => view! { <Running job /> }.into_any(),
        None => view! { <Idle /> }.into_any(),
    }
}

/// Nothing runs: what became of the last queue, and the way on.
#[component]
fn Idle() -> impl IntoView {
    let app = App::get();
    let draft = super::Draft::get();
    let set_up = move |_| draft.view.set(super::View::SetUp);
    move || {
        let (done, failed, waiting) = app.queue.with(|queue| (queue.done, queue.failed, queue.jobs.len()));
        match (done + failed, waiting) {
            (0, 0) => view! {
                <Empty icon="launch" title="Nothing is being measured" explain="Choose a model and where to run it; the measurement shows up here.">
                    <Button kind=ButtonKind::Primary on_press=set_up>"Set up a measurement"</Button>
                </Empty>
            }
            .into_any(),
            (_, 0) => view! {
                <section class="panel finished" data-testid="finished">
                    <Icon name="check" size=28 />
                    <div class="grow">
                        <h2>{finished(done, failed)}</h2>
                        <p class="quiet">"Every sample is kept. Compare the figures in the matrix, or read one result in full."</p>
                    </div>
                    <Button kind=ButtonKind::Primary testid="see-matrix" on_press=move |_| app.go(Place::Matrix)>"See the matrix"</Button>
                    <Button testid="see-results" on_press=move |_| app.go(Place::Results)>"Read the results"</Button>
                </section>
            }
            .into_any(),
            _ => view! {
                <section class="panel finished">
                    <Icon name="pause" size=28 />
                    <p class="grow quiet">"Paused. The next measurement starts when you resume."</p>
                </section>
            }
            .into_any(),
        }
    }
}

fn finished(done: u32, failed: u32) -> String {
    let results = |many: u32| counted(many.into(), "measurement");
    match (done, failed) {
        (done, 0) => format!("{} finished", results(done)),
        (0, failed) => format!("{} could not be completed", results(failed)),
        (done, failed) => format!("{} finished, {failed} could not be completed", results(done)),
    }
}

#[component]
fn Running(job: Job) -> impl IntoView {
    let app = App::get();
    let id = job.id.clone();
    let live = Memo::new(move |_| app.live.get().filter(|live| live.job == id));
    let cancelling = RwSignal::new(false);
    let id = job.id.clone();
    let cancel = move |_| {
        cancelling.set(true);
        let id = id.clone();
        spawn_local(async move {
            if let Err(failure) = bridge::ask(CancelJob { id }).await {
                app.tell_failure(&failure);
            }
            cancelling.try_set(false);
        });
    };
    view! {
        <section class="panel live" aria-label="Running measurement" data-testid="live">
            <header class="panel-head">
                <div class="grow">
                    <h2>{job.model_name.clone()}</h2>
                    <p class="quiet">{describe(&job)}</p>
                </div>
                <Button icon="stop" testid="cancel-job" busy=cancelling on_press=cancel>"Cancel"</Button>
            </header>
            <Steps live />
            <div class="live-body">
                <Headline live />
                <SamplePlot live />
            </div>
            <Telemetry live />
            <Log live />
        </section>
    }
}

/// Engine, device and settings of a job, in a line.
pub fn describe(job: &Job) -> String {
    let setting = &job.setting;
    let mut words = vec![
        format!("{} on {}", setting.engine.label(), job.device_name),
        setting.precision.label().to_owned(),
        format!("batch {}", setting.batch),
    ];
    match setting.mode {
        Mode::Generation => {
            words.extend(setting.size.map(|size| format!("prompt of {size} tokens")));
            words.extend(setting.output_tokens().map(|tokens| format!("{tokens} tokens to write")));
        }
        _ => words.extend(setting.size.map(|size| size_text(size, job.size_unit))),
    }
    words.extend(Fed::of(setting, job.size_unit).further());
    words.extend(setting.threads.map(threads_text));
    words.join(" · ")
}

#[component]
fn Steps(live: Memo<Option<Live>>) -> impl IntoView {
    view! {
        <ol class="steps" aria-label="Phases">
            {STEPS
                .into_iter()
                .map(|step| {
                    let took = move || {
                        live.with(|live| live.as_ref()?.phases.iter().find(|(name, _)| *name == step).map(|(_, ms)| *ms))
                    };
                    let now = move || live.with(|live| live.as_ref().is_some_and(|live| live.phase == step));
                    view! {
                        <li
                            class:done=move || took().is_some()
                            class:now=move || now() && took().is_none()
                            aria-current=move || (now() && took().is_none()).then_some("step")
                        >
                            <span class="step-dot" aria-hidden="true"></span>
                            <span class="step-name">{step.label()}</span>
                            <span class="step-time quiet">{move || took().map(format::duration_ms)}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
}

/// The figure as it stands, with its interval and the noise of the session.
#[component]
fn Headline(live: Memo<Option<Live>>) -> impl IntoView {
    move || {
        live.with(|live| {
            let live = live.as_ref();
            let median = live.and_then(|live| live.median_ms);
            let (figure, unit) = median.map_or(("–".into(), ""), |ms| {
                let (value, unit) = format::scaled_ms(ms);
                (format::significant(value), unit)
            });
            let sure = live.and_then(|live| format::half_width(live.median_ms?, live.low_ms?, live.high_ms?));
            let samples = live.map_or(0, |live| live.samples);
            if let Some((live, generating)) = live.and_then(|live| Some((live, live.generating?))) {
                return view! { <Writing live=live.clone() generating /> }.into_any();
            }
            view! {
                <div class="live-headline">
                    <p class="quiet small">"Median time of one call, so far"</p>
                    <p class="live-figure" data-testid="live-median">{figure}<span class="unit">{unit}</span></p>
                    <p>{sure.unwrap_or_else(|| "not known yet".into())}</p>
                    <p class="quiet small">{counted(samples.into(), "sample")}</p>
                    <Noise grade=live.and_then(|live| live.noise) />
                </div>
            }
            .into_any()
        })
    }
}

/// While text is generated: how fast it is written, and which part of a text is at work.
#[component]
fn Writing(live: Live, generating: Generating) -> impl IntoView {
    let Generating { token, output_tokens, first_token_ms, token_ms, tokens_per_s } = generating;
    let known = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), format::duration_ms);
    let stage = (live.phase == PhaseName::Warm).then(|| match token {
        0 => "Prefill: reading a prompt".to_owned(),
        token => format!("Decode: token {token} of {output_tokens}"),
    });
    view! {
        <div class="live-headline">
            <p class="quiet small">"Tokens per second once the first is there, so far"</p>
            <p class="live-figure" data-testid="live-tokens">
                {tokens_per_s.map_or_else(|| "–".to_owned(), format::significant)}
                <span class="unit">{tokens_per_s.map(|_| "tokens/s")}</span>
            </p>
            <dl class="facts">
                <dt>"Prefill, to the first token"</dt>
                <dd>{known(first_token_ms)}</dd>
                <dt>"Decode, each further token"</dt>
                <dd>{known(token_ms)}</dd>
            </dl>
            <p class="quiet small">{counted(live.samples.into(), "text")}{stage.map(|stage| format!(" · {stage}"))}</p>
            <Noise grade=live.noise />
        </div>
    }
}

/// How steady the machine is, once that is known.
#[component]
fn Noise(grade: Option<NoiseGrade>) -> impl IntoView {
    grade.map(|grade| view! { <p class="row small"><Grade grade /><span class="quiet">{grade.meaning()}</span></p> })
}

const PLOT_WIDTH: f64 = 600.0;
const PLOT_HEIGHT: f64 = 150.0;

/// Each sample a dot, in the order taken; the band is the interval of the median.
#[component]
fn SamplePlot(live: Memo<Option<Live>>) -> impl IntoView {
    let drawn = move || {
        live.with(|live| {
            let live = live.as_ref().filter(|live| !live.recent_ms.is_empty())?;
            let samples = &live.recent_ms;
            let (low, high) = samples.iter().fold((f64::MAX, f64::MIN), |(low, high), ms| (low.min(*ms), high.max(*ms)));
            let margin = ((high - low) * 0.08).max(high * 0.01);
            let (low, high) = (low - margin, high + margin);
            let y = move |ms: f64| PLOT_HEIGHT - (ms - low) / (high - low) * PLOT_HEIGHT;
            let step = PLOT_WIDTH / samples.len().max(40) as f64;
            let dots = samples
                .iter()
                .enumerate()
                .map(|(index, ms)| format!("M{:.1} {:.1}h0", (index as f64 + 0.5) * step, y(*ms)))
                .collect::<String>();
            let band = live.low_ms.zip(live.high_ms).map(|(from, to)| (y(to), (y(from) - y(to)).max(1.0)));
            let label = |ms: f64| format::duration_ms(ms.max(0.0));
            Some(view! {
                <svg class="sample-plot" viewBox=format!("0 0 {PLOT_WIDTH} {PLOT_HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                    {band.map(|(top, height)| view! { <rect class="band" x="0" y=top width=PLOT_WIDTH height=height /> })}
                    {live.median_ms.map(|ms| view! { <line class="median" x1="0" x2=PLOT_WIDTH y1=y(ms) y2=y(ms) /> })}
                    <path class="dots" d=dots vector-effect="non-scaling-stroke" />
                </svg>
                <div class="plot-scale small quiet"><span>{label(high)}</span><span>{label(low)}</span></div>
            })
        })
    };
    view! {
        <figure class="live-plot" role="img" aria-label="Samples as they arrive, with the interval of the median">
            {move || drawn().map_or_else(
                || view! { <p class="quiet small plot-empty">"Samples appear here once the output was checked and the model is warm."</p> }.into_any(),
                IntoAny::into_any,
            )}
        </figure>
    }
}

#[component]
fn Telemetry(live: Memo<Option<Live>>) -> impl IntoView {
    let figure = move |of: fn(&Live) -> Option<String>| {
        move || live.with(|live| live.as_ref().and_then(of)).unwrap_or_else(|| "–".into())
    };
    view! {
        <dl class="telemetry">
            <div><dt>"Elapsed"</dt><dd>{figure(|live| Some(format::duration_secs(live.elapsed_secs)))}</dd></div>
            <div>
                <dt>"Processor"</dt>
                <dd>{figure(|live| live.cpu_cores.map(|cores| format!("{cores:.1} cores busy")))}</dd>
            </div>
            <div><dt>"Memory"</dt><dd>{figure(|live| live.memory_bytes.map(format::bytes))}</dd></div>
        </dl>
    }
}

#[component]
fn Log(live: Memo<Option<Live>>) -> impl IntoView {
    let lines = Memo::new(move |_| live.with(|live| live.as_ref().map(|live| live.log.clone()).unwrap_or_default()));
    view! {
        <details class="disclosure live-log" hidden=move || lines.with(Vec::is_empty)>
            <summary><Icon name="right" size=12 />"Log of the engine"</summary>
            <pre class="small selectable">{move || lines.get().join("\n")}</pre>
        </details>
    }
}
