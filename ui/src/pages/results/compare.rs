//! Two to six results side by side, each beside the first.

use crate::{bridge::ask, parts::*};
use chart::{
    format::{bytes, count, duration_ms, interval, significant},
    scaling_told,
};
use contract::*;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn CompareDialog(open: RwSignal<bool>, chosen: RwSignal<Vec<RunRow>>) -> impl IntoView {
    let sides = RwSignal::new(None::<Result<(Vec<Side>, ResultsBeside), Failure>>);
    Effect::new(move |_| {
        if open.get() {
            sides.set(None);
            let rows = chosen.get_untracked();
            spawn_local(async move {
                let mut all = Vec::new();
                for row in rows {
                    match ask(GetRun { id: row.id }).await {
                        Ok(run) => all.push(Side { run, median_ms: row.median_ms }),
                        Err(failure) => return sides.set(Some(Err(failure))),
                    }
                }
                let runs = all.iter().map(|side| side.run.id.clone()).collect();
                let answer = ask(CompareStored { runs, rules: CompareRules::default() }).await;
                sides.set(Some(answer.map(|beside| (all, beside))));
            });
        }
    });
    view! {
        <Dialog open title="Side by side" wide=true>
            <div class="dialog-body" data-testid="compare-table">
                {move || match sides.get() {
                    None => view! { <Loading rows=8 /> }.into_any(),
                    Some(Err(failure)) => view! { <InlineFailure failure /> }.into_any(),
                    Some(Ok((sides, told))) => view! { <Comparison sides told /> }.into_any(),
                }}
            </div>
        </Dialog>
    }
}

/// A result with the median it is listed with, which is all that imported ones have.
#[derive(Clone)]
struct Side {
    run: Run,
    median_ms: Option<f64>,
}

#[component]
fn Comparison(sides: Vec<Side>, told: ResultsBeside) -> impl IntoView {
    let heads = sides
        .iter()
        .map(|Side { run, .. }| {
            view! {
                <th scope="col">
                    <span class="results-two">
                        <span>{run.model.name.clone()}</span>
                        <span class="quiet small">{run.setting.engine.label()}" · "{run.setting.device.0.clone()}</span>
                    </span>
                </th>
            }
        })
        .collect_view();
    let lines = lines(&sides, &told.beside)
        .into_iter()
        .map(|(label, cells)| {
            let differs = cells.iter().any(|cell| *cell != cells[0]);
            view! {
                <tr class:same=!differs>
                    <th scope="row">{label}</th>
                    {cells.into_iter().map(|cell| view! { <td class="selectable">{cell}</td> }).collect_view()}
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table compare">
            <thead><tr><td></td>{heads}</tr></thead>
            <tbody>{lines}</tbody>
        </table>
        {told.scaling.map(|scaling| view! { <p class="small" data-testid="compare-growth">{scaling_told(&scaling)}</p> })}
        <p class="small quiet">
            "Beside the first: these were measured at different times, so the interval holds what each session wandered as well. Compare measures two settings in turn and tells finer differences. What is the same in all is grey."
        </p>
    }
}

type Line = (&'static str, Vec<String>);

fn lines(sides: &[Side], told: &[Beside]) -> Vec<Line> {
    let line = |label, of: &dyn Fn(&Run) -> Option<String>| -> Line {
        (label, sides.iter().map(|side| of(&side.run).unwrap_or_else(|| "–".into())).collect())
    };
    let median = |side: &Side| side.median_ms.map_or_else(|| "–".into(), duration_ms);
    let timing = |of: fn(&Timing) -> String| move |run: &Run| run.timing.as_ref().map(of);
    let phase = |name: PhaseName| move |run: &Run| run.phase_ms(name).map(duration_ms);
    let task = common_unit(sides.iter().map(|side| side.run.model.per_sample));
    let mut lines = vec![
        line("Evidence", &|run| Some(run.evidence.label().into())),
        line("Fed", &|run| Some(fed_text(&run.fed()))),
        line("Outcome", &|run| Some(outcome(run))),
        ("Median", sides.iter().map(median).collect()),
        line("95 % interval", &timing(|timing| format!("{} ms", interval(timing.low_ms, timing.high_ms)))),
        ("Beside the first", told.iter().map(beside).collect()),
        line("Minimum", &timing(|timing| duration_ms(timing.min_ms))),
        line("Samples", &timing(|timing| count(timing.samples.into()))),
        line("Throughput", &|run| throughput(run, task)),
        line("Peak memory", &|run| run.memory.peak_bytes.map(bytes)),
        line("First result", &|run| run.first_result_ms().map(duration_ms)),
        line("Load", &phase(PhaseName::Load)),
        line("Compile", &phase(PhaseName::Compile)),
        line("First call", &phase(PhaseName::First)),
        line("Noise", &|run| run.noise.as_ref().map(|noise| noise.grade.letter().into())),
        line("Engine version", &|run| Some(run.effective.engine_version.clone()).filter(|text| !text.is_empty())),
        line("Precision", &|run| Some(run.ran())),
        line("Threads", &|run| run.effective.threads.map(|threads| threads.to_string())),
        line("Graph", &|run| {
            Some(run.model.graph_hash.chars().take(12).collect::<String>()).filter(|text| !text.is_empty())
        }),
        line("Processor", &|run| Some(run.environment.cpu.clone()).filter(|text| !text.is_empty())),
    ];
    lines.retain(|(_, cells)| cells.iter().any(|cell| cell != "–"));
    lines
}

/// In the unit that all sides have in common, else in samples.
fn throughput(run: &Run, task: Option<TaskUnit>) -> Option<String> {
    let per_sample = run.model.per_sample.filter(|_| task.is_some());
    run.timing.as_ref().map(|timing| Rate::of(timing.throughput_per_s, per_sample).text())
}

fn outcome(run: &Run) -> String {
    match &run.outcome {
        Outcome::Done => "Done".into(),
        Outcome::Failed { kind, phase, .. } => format!("{} ({})", kind.label(), phase.label().to_lowercase()),
    }
}

/// What the two figures allow to say.
fn beside(beside: &Beside) -> String {
    let ratio = match beside {
        Beside::Baseline => return "–".into(),
        Beside::Unlike { reason } => return format!("not comparable: {reason}"),
        Beside::Alike(ratio) => ratio,
    };
    let between = |low: f64, high: f64| format!(", {} to {}×", significant(low), significant(high));
    let told = match (ratio.verdict, ratio.interval) {
        (Verdict::Faster, Some(RatioInterval { low, high })) => {
            format!("{}× as fast{}", significant(1.0 / ratio.ratio), between(1.0 / high, 1.0 / low))
        }
        (Verdict::Slower, Some(RatioInterval { low, high })) => {
            format!("{}× as slow{}", significant(ratio.ratio), between(low, high))
        }
        (Verdict::Same, Some(_)) => "the same, within 1 %".into(),
        (_, Some(RatioInterval { low, high })) => {
            format!("cannot tell: {} to {} of the time", significant(low), significant(high))
        }
        (_, None) => "cannot tell: too few samples came with them".into(),
    };
    [&[told], &ratio.cautions[..]].concat().join("; ")
}
