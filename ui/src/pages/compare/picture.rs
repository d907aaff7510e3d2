//! The ratio as it grew: its interval as a band that narrows, and the differences that do not matter as a stripe.

use contract::{ComparisonPoint, RatioInterval};
use leptos::prelude::*;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 240.0;

#[component]
pub fn RatioPicture(points: Memo<Vec<ComparisonPoint>>, threshold: Memo<f64>) -> impl IntoView {
    view! {
        <figure class="versus-picture" role="img" aria-label="B's time against A's after each round, with its interval" data-testid="compare-picture">
            {move || match Drawn::of(&points.get(), threshold.get()) {
                Some(drawn) => drawn.view().into_any(),
                None => view! {
                    <p class="quiet small plot-empty">"The ratio appears here once both sides are warm. Its interval narrows as rounds are added."</p>
                }
                .into_any(),
            }}
        </figure>
    }
}

/// The picture in its own coordinates.
struct Drawn {
    band: String,
    line: String,
    /// Top and height of the differences that do not matter.
    stripe: (f64, f64),
    zero: f64,
    /// The logarithm of the ratio at the upper edge; at the lower one it is less than none.
    reach: f64,
    secs: f64,
}

impl Drawn {
    fn of(points: &[ComparisonPoint], threshold: f64) -> Option<Self> {
        let last = points.last()?;
        // Twice the time is as far up as half of it is down.
        let widest = |interval: RatioInterval| interval.low.ln().abs().max(interval.high.ln().abs());
        let bounded: Vec<f64> = points.iter().filter_map(|point| point.interval.map(widest)).collect();
        // The first intervals are far too wide to be seen beside the last ones.
        let typical = bounded.get(bounded.len() / 3).copied().unwrap_or_default();
        let now = last.interval.map_or(0.0, widest).max(last.ratio.ln().abs());
        let reach = typical.min(3.0 * now).max(now).max(2.0 * threshold) * 1.1;
        let x = |secs: f64| secs / last.secs.max(1e-9) * WIDTH;
        let y = |ratio: f64| (1.0 - ratio.ln().clamp(-reach, reach) / reach) / 2.0 * HEIGHT;
        let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L")
        };
        let bounds = || points.iter().filter_map(|point| point.interval.map(|interval| (point.secs, interval)));
        let upper = path(&mut bounds().map(|(secs, interval)| (x(secs), y(interval.high))));
        let lower = path(&mut bounds().rev().map(|(secs, interval)| (x(secs), y(interval.low))));
        let line = path(&mut points.iter().map(|point| (x(point.secs), y(point.ratio))));
        let (top, bottom) = (y(1.0 + threshold), y(1.0 / (1.0 + threshold)));
        Some(Self {
            band: if upper.is_empty() { String::new() } else { format!("M{upper}L{lower}Z") },
            line: format!("M{line}"),
            stripe: (top, bottom - top),
            zero: y(1.0),
            reach,
            secs: last.secs,
        })
    }

    fn view(self) -> impl IntoView {
        let Self { band, line, stripe: (top, height), zero, reach, secs } = self;
        let [more, less] =
            [reach.exp() - 1.0, 1.0 - (-reach).exp()].map(|share| chart::format::significant(share * 100.0));
        view! {
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                <rect class="stripe" x="0" y=top width=WIDTH height=height />
                <path class="band" d=band />
                <line class="zero" x1="0" x2=WIDTH y1=zero y2=zero />
                <path class="line" d=line />
            </svg>
            <div class="versus-scale small quiet" aria-hidden="true">
                <span>{format!("B takes {more} % more")}</span>
                <span>"the same"</span>
                <span>{format!("B takes {less} % less")}</span>
            </div>
            <div class="versus-times small quiet" aria-hidden="true">
                <span>"0 s"</span>
                <span>"the shaded stripe: differences that do not matter"</span>
                <span>{chart::format::duration_secs(secs)}</span>
            </div>
        }
    }
}
