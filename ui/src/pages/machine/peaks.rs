//! "Measure this machine": the ceilings no result may exceed, with progress, and the table they end up in.

use super::roofline::Roofline;
use crate::{actions, bridge, parts::*, state::App};
use chart::format;
use contract::{CancelPeaks, Event, Failure, MeasurePeaks, NoticeKind, Peak, PeakKind, PeakProgress};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn MeasureButton() -> impl IntoView {
    let app = App::get();
    let busy = RwSignal::new(false);
    bridge::on_event(move |event| match event {
        Event::Peaks(_) => busy.set(true),
        Event::PeaksEnded { .. } => busy.set(false),
        _ => {}
    });
    let press = move |_| {
        busy.set(true);
        spawn_local(async move {
            if let Err(failure) = bridge::ask(MeasurePeaks {}).await {
                busy.try_set(false);
                app.tell_failure(&failure);
            }
        });
    };
    view! {
        <Button kind=ButtonKind::Primary testid="measure-peaks" busy on_press=press title="Takes up to a minute">
            "Measure this machine"
        </Button>
    }
}

#[component]
pub fn Progress() -> impl IntoView {
    let app = App::get();
    let progress = RwSignal::new(None::<PeakProgress>);
    let failure = RwSignal::new(None::<Failure>);
    bridge::on_event(move |event| match event {
        Event::Peaks(now) => {
            failure.set(None);
            progress.set(Some(now.clone()));
        }
        Event::PeaksEnded { failure: ended } => {
            progress.set(None);
            match ended {
                Some(Failure::Cancelled) => {}
                Some(reason) => failure.set(Some(reason.clone())),
                None => app.tell(NoticeKind::Info, "This machine was measured. Its ceilings are drawn below."),
            }
        }
        _ => {}
    });
    view! {
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
        {move || progress.get().map(|now| view! {
            <section class="panel peak-progress" role="status" data-testid="peak-progress">
                <div class="grow">
                    <p><strong>{now.doing}</strong></p>
                    <ProgressBar label="Ceilings measured" done=now.done />
                    <p class="quiet small">{format!("about {} left; leave the machine alone meanwhile", format::duration_secs(now.remaining_secs))}</p>
                </div>
                <Button icon="stop" testid="cancel-peaks" on_press=move |_| actions::send(app, CancelPeaks {}, |_, ()| {})>"Cancel"</Button>
            </section>
        })}
    }
}

#[component]
pub fn PeakPanel(
    peaks: Vec<Peak>,
    /// What could not be measured, a sentence each.
    left_out: Vec<String>,
) -> impl IntoView {
    let mut devices: Vec<String> = Vec::new();
    for peak in &peaks {
        if !devices.contains(&peak.device_name) {
            devices.push(peak.device_name.clone());
        }
    }
    view! {
        <section class="panel" aria-labelledby="peaks-title">
            <header class="panel-head">
                <div>
                    <h2 id="peaks-title">"Measured ceilings"</h2>
                    <p class="quiet small">"The fastest each device moves numbers and multiplies matrices. A result above its ceiling is not believed."</p>
                </div>
            </header>
            {if peaks.is_empty() {
                view! {
                    <p class="quiet" data-testid="no-peaks">
                        "Not measured yet. “Measure this machine” takes up to a minute and draws the ceilings here."
                    </p>
                }
                .into_any()
            } else {
                devices
                    .into_iter()
                    .map(|device| {
                        let own: Vec<Peak> = peaks.iter().filter(|peak| peak.device_name == device).cloned().collect();
                        view! { <DevicePeaks device peaks=own /> }
                    })
                    .collect_view()
                    .into_any()
            }}
            {(!left_out.is_empty()).then(|| view! { <LeftOut sentences=left_out /> })}
        </section>
    }
}

#[component]
fn LeftOut(sentences: Vec<String>) -> impl IntoView {
    let count = sentences.len();
    view! {
        <details class="disclosure" data-testid="peaks-left-out">
            <summary class="small"><Icon name="right" size=12 />{format!("Left out ({count})")}</summary>
            <ul class="plain-list small">
                {sentences.into_iter().map(|sentence| view! { <li>{capital(&sentence)}"."</li> }).collect_view()}
            </ul>
        </details>
    }
}

#[component]
fn DevicePeaks(device: String, peaks: Vec<Peak>) -> impl IntoView {
    view! {
        <div class="device-peaks">
            <h3>{device}</h3>
            <div class="device-peaks-body">
                <Roofline peaks=peaks.clone() />
                <table class="table peaks" data-testid="peaks">
                    <thead>
                        <tr><th scope="col">"What"</th><th scope="col" class="number">"Best"</th><th scope="col" class="number" title="95 % interval of the median">"Median"</th></tr>
                    </thead>
                    <tbody>
                        {peaks
                            .into_iter()
                            .map(|peak| view! {
                                <tr title=format!("{} · {} samples", peak.method, peak.samples)>
                                    <td>{name(&peak)}</td>
                                    <td class="number">{show(&peak, peak.best)}</td>
                                    <td class="number quiet">
                                        {show(&peak, peak.median)}" "{format::half_width(peak.median, peak.low, peak.high)}
                                    </td>
                                </tr>
                            })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
        </div>
    }
}

/// What was measured, in plain words with its settings.
pub fn name(peak: &Peak) -> String {
    let what = match peak.kind {
        PeakKind::MemoryBandwidth => "Memory bandwidth",
        PeakKind::MatrixRate => "Matrix rate",
        PeakKind::LaunchOverhead => "Cost of a call",
    };
    let precision = peak.precision.map(|precision| format!(" {precision}")).unwrap_or_default();
    let threads = peak.threads.map(|threads| format!(", {}", threads_text(threads))).unwrap_or_default();
    format!("{what}{precision}{threads}")
}

fn show(peak: &Peak, value: f64) -> String {
    match peak.kind {
        PeakKind::MemoryBandwidth => format::bandwidth(value),
        PeakKind::MatrixRate => format::rate(value),
        PeakKind::LaunchOverhead => format::duration_ms(value * 1000.0),
    }
}
