//! The figure a result is looked up for, how sure it is, and what stands beside it.

use super::FactSection;
use crate::parts::{EvidenceChip, Facts, Grade, Whisker, fed_text};
use chart::format::{self, bytes, count, duration_ms, significant};
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Headline(run: Run, median_ms: Option<f64>) -> impl IntoView {
    let facts = timing_facts(&run);
    let noise = run.noise.clone();
    let main = match (&run.outcome, run.timing.clone(), median_ms) {
        (Outcome::Failed { phase, kind, message, remedy }, ..) => {
            let (phase, kind) = (phase.label().to_lowercase(), kind.label());
            view! {
                <p class="headline failed">{kind}<span class="unit">"during: "{phase}</span></p>
                <p class="selectable">{message.clone()}</p>
                {remedy.clone().map(|remedy| view! { <p class="quiet">{remedy}</p> })}
            }
            .into_any()
        }
        (Outcome::Done, Some(timing), _) => match run.generated.clone() {
            Some(generated) => view! { <Tokens generated timing /> }.into_any(),
            None => view! { <Median timing per_sample=run.model.per_sample /> }.into_any(),
        },
        (Outcome::Done, None, Some(ms)) => view! { <Bare ms /> }.into_any(),
        (Outcome::Done, None, None) => view! { <p class="headline dash">"No time"</p> }.into_any(),
    };
    view! {
        <section class="drawer-section" aria-label="Result">
            <div class="row wrap">
                <EvidenceChip evidence=run.evidence />
                <span class="chip neutral">{run.setting.engine.label()}</span>
                <span class="chip neutral">{run.ran()}</span>
                <span class="chip neutral">{fed_text(&run.fed())}</span>
                {noise.map(|noise| view! { <Grade grade=noise.grade /> })}
            </div>
            {main}
        </section>
        <FactSection title="Figures" facts />
    }
}

/// A figure that came alone.
#[component]
fn Bare(ms: f64) -> impl IntoView {
    let (value, unit) = format::scaled_ms(ms);
    view! {
        <p class="headline">{significant(value)}<span class="unit">{unit}</span></p>
        <p class="small quiet">"As its source tells it; its samples did not come with it."</p>
    }
}

/// The median with its interval drawn on a scale that spans the interval three times, and what it comes to in the unit
/// of the task.
#[component]
fn Median(timing: Timing, per_sample: Option<PerSample>) -> impl IntoView {
    let (value, unit) = format::scaled_ms(timing.median_ms);
    let rate = per_sample.map(|sample| Rate::of(timing.throughput_per_s, Some(sample)));
    let reach = (timing.high_ms - timing.low_ms).max(timing.median_ms * 0.01);
    let half = format::half_width(timing.median_ms, timing.low_ms, timing.high_ms);
    view! {
        <p class="headline">
            {significant(value)}<span class="unit">{unit}</span>
            {half.map(|half| view! { <span class="headline-half">{half}</span> })}
        </p>
        {rate.map(|rate| view! {
            <p class="headline-rate" data-testid="task-rate">
                {significant(rate.value)}<span class="unit">{rate.unit}</span>
            </p>
        })}
        <Whisker
            low=timing.low_ms
            value=timing.median_ms
            high=timing.high_ms
            from=timing.low_ms - reach
            to=timing.high_ms + reach
        />
        <p class="small quiet">
            "Median of "{count(timing.samples.into())}" samples, 95 % interval "
            {format::interval(timing.low_ms, timing.high_ms)}" ms; stopped because "{stop_reason(timing.stop)}"."
        </p>
    }
}

/// Of generated text: how fast it is written, and what comes before.
#[component]
fn Tokens(generated: Generated, timing: Timing) -> impl IntoView {
    let Generated { first_token, token, tokens_per_s, output_tokens, .. } = generated;
    let half = format::half_width(token.ms, token.low_ms, token.high_ms);
    let told = |label: &str, time: MedianTime| {
        let interval = format::interval(time.low_ms, time.high_ms);
        Fact::new(label, format!("{} (95 %: {interval} ms)", duration_ms(time.ms)))
    };
    let facts = vec![
        told("Time to first token", first_token),
        told("Time per token", token),
        Fact::new(format!("Whole text, {output_tokens} tokens"), duration_ms(timing.median_ms)),
    ];
    view! {
        <p class="headline" data-testid="tokens-per-s">
            {significant(tokens_per_s)}<span class="unit">"tokens/s"</span>
            {half.map(|half| view! { <span class="headline-half">{half}</span> })}
        </p>
        <p class="small quiet">
            "Once the first token is there. Medians of "{count(timing.samples.into())}" texts; stopped because "
            {stop_reason(timing.stop)}"."
        </p>
        <Facts facts />
    }
}

/// In the unit of the task, and in samples where those are something else.
fn throughput(run: &Run, timing: &Timing) -> String {
    let samples = timing.throughput_per_s;
    if run.generated.is_some() {
        return format!("{} texts/s", significant(samples));
    }
    let told = Rate::of(samples, run.model.per_sample).text();
    match run.model.per_sample {
        Some(sample) if sample.count != 1.0 => format!("{told} ({})", Rate::of(samples, None).text()),
        _ => told,
    }
}

fn stop_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Stable => "the interval became narrower than ±2 %",
        StopReason::Budget => "the time budget ran out",
        StopReason::Stopped => "it was stopped by hand",
        StopReason::Compared => "it was measured in turn with another setting until their comparison ended",
    }
}

/// Everything counted or timed, in the order it is asked for.
fn timing_facts(run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(timing) = &run.timing {
        facts.push(Fact::new("Throughput", throughput(run, timing)));
        facts.extend(run.model.per_sample.map(|sample| Fact::new("One sample", sample.told())));
        facts.push(Fact::new("Minimum", duration_ms(timing.min_ms)));
        for percentile in &timing.percentiles {
            let percent = significant(percentile.p * 100.0);
            facts.push(Fact::new(format!("{percent} of 100 within (p{percent})"), duration_ms(percentile.ms)));
        }
        if timing.mild_outliers + timing.severe_outliers > 0 {
            let outliers = format!("{} mild, {} severe, all kept", timing.mild_outliers, timing.severe_outliers);
            facts.push(Fact::new("Outliers", outliers));
        }
        if let Some(harness) = timing.harness_ms {
            facts.push(Fact::new("Cost of measuring", format!("{} a call, not subtracted", duration_ms(harness))));
        }
    }
    if let Some(difference) = run.generated.as_ref().and_then(|generated| generated.full_pass_difference) {
        let told = format!("within {} of those of one pass over the whole text", significant(difference));
        facts.push(Fact::new("Scores of the last token", told));
    }
    if let Some(first) = run.first_result_ms() {
        facts.push(Fact::new("First result after", duration_ms(first)));
    }
    if let Some(peak) = run.memory.peak_bytes {
        facts.push(Fact::new("Peak memory", format!("{} more than before the model was loaded", bytes(peak))));
    }
    if let Some(peak) = run.memory.device_peak_bytes {
        facts.push(Fact::new("Device memory", bytes(peak)));
    }
    if let Some(parameters) = run.model.parameters {
        facts.push(Fact::new("Parameters", format::amount(parameters)));
    }
    if let Some(macs) = run.model.macs {
        facts.push(Fact::new("Multiply-accumulates", format!("{} a sample", format::operations(macs as f64))));
    }
    facts
}
