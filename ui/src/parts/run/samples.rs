//! Every warm sample: where they gather, and whether they drift.

use chart::format::{count, duration_ms, significant};
use contract::Run;
use leptos::prelude::*;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 84.0;

#[component]
pub fn Samples(run: Run) -> impl IntoView {
    let samples = run.samples_ms;
    let Some(spread) = Spread::of(&samples) else { return ().into_any() };
    let median = run.timing.as_ref().map(|timing| timing.median_ms);
    let label = format!(
        "{} samples from {} to {}",
        count(samples.len() as u64),
        duration_ms(spread.low),
        duration_ms(spread.high)
    );
    let bars = spread.bars(&samples);
    let line = spread.trace(&samples);
    let at_median = median.map(|median| spread.x(median));
    view! {
        <section class="drawer-section">
            <h3>"Samples"</h3>
            <svg class="samples" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=format!("Distribution: {label}")>
                {bars
                    .into_iter()
                    .map(|(x, width, height)| view! {
                        <rect x=x y=HEIGHT - height width=width height=height class="samples-bar" />
                    })
                    .collect_view()}
                {at_median.map(|x| view! { <line x1=x x2=x y1="0" y2=HEIGHT class="samples-median" /> })}
            </svg>
            <div class="spread small quiet number">
                <span>{significant(spread.low)}" ms"</span>
                <span>{significant(spread.high)}" ms"</span>
            </div>
            <svg class="samples trace" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=format!("In the order taken: {label}")>
                <polyline points=line class="samples-line" />
            </svg>
            <p class="small quiet">"Above: how often each time occurred. Below: in the order taken."</p>
        </section>
    }
    .into_any()
}

struct Spread {
    low: f64,
    high: f64,
}

impl Spread {
    fn of(samples: &[f64]) -> Option<Self> {
        let low = samples.iter().copied().reduce(f64::min)?;
        let high = samples.iter().copied().reduce(f64::max)?;
        Some(Self { low, high: if high > low { high } else { low * 1.001 + f64::EPSILON } })
    }

    fn x(&self, ms: f64) -> f64 {
        (ms - self.low) / (self.high - self.low) * WIDTH
    }

    /// Left, width and height of each bar; as many bars as Sturges' rule asks for twice over, at most 60.
    fn bars(&self, samples: &[f64]) -> Vec<(f64, f64, f64)> {
        let many = ((samples.len() as f64).log2().ceil() as usize * 2 + 2).clamp(6, 60);
        let mut counts = vec![0usize; many];
        for ms in samples {
            let at = ((ms - self.low) / (self.high - self.low) * many as f64) as usize;
            counts[at.min(many - 1)] += 1;
        }
        let top = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let width = WIDTH / many as f64;
        counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .map(|(at, count)| (at as f64 * width + 0.5, width - 1.0, count as f64 / top * HEIGHT))
            .collect()
    }

    /// The samples as points of a line; of each column of pixels its slowest sample, so that no peak is lost.
    fn trace(&self, samples: &[f64]) -> String {
        let step = samples.len().div_ceil(WIDTH as usize).max(1);
        let columns: Vec<f64> = samples.chunks(step).filter_map(|part| part.iter().copied().reduce(f64::max)).collect();
        let last = columns.len().saturating_sub(1).max(1) as f64;
        let point = |(at, ms): (usize, &f64)| {
            let y = HEIGHT - 2.0 - (ms - self.low) / (self.high - self.low) * (HEIGHT - 4.0);
            format!("{:.1},{y:.1}", at as f64 / last * WIDTH)
        };
        columns.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
    }
}
