//! The eight platforms, always listed: ready with their devices, or missing with the remedy.

use crate::parts::*;
use chart::format;
use contract::{Availability, Device, DeviceKind, Fact, PlatformStatus};
use leptos::prelude::*;

#[component]
pub fn PlatformGrid(platforms: Vec<PlatformStatus>) -> impl IntoView {
    let open = RwSignal::new(None::<PlatformStatus>);
    view! {
        <ul class="platforms" data-testid="platforms">
            {platforms.into_iter().map(|status| view! { <PlatformCard status open /> }).collect_view()}
        </ul>
        {move || open.get().map(|status| view! {
            <Drawer title=status.platform.label() on_close=move || open.set(None)>
                <PlatformDetail status=status.clone() />
            </Drawer>
        })}
    }
}

#[component]
fn PlatformCard(status: PlatformStatus, open: RwSignal<Option<PlatformStatus>>) -> impl IntoView {
    let body = match &status.availability {
        Availability::Ready => view! {
            <ul class="plain-list">
                {status
                    .devices
                    .iter()
                    .map(|device| view! {
                        <li>
                            <span>{device.name.clone()}</span>
                            <span class="quiet small">{headline(device)}</span>
                        </li>
                    })
                    .collect_view()}
            </ul>
        }
        .into_any(),
        Availability::Missing { reason, remedy } => view! {
            <p class="quiet">{reason.clone()}</p>
            <p class="small">{remedy.clone()}</p>
        }
        .into_any(),
    };
    let details = status.clone();
    view! {
        <li class="panel platform" class:ready=status.availability.is_ready() data-testid=format!("platform-{}", status.platform.key())>
            <header class="spread">
                <h3>
                    <button
                        type="button"
                        class="platform-open"
                        aria-label=format!("{}: all facts", status.platform)
                        on:click=move |_| open.set(Some(details.clone()))
                    >
                        {status.platform.label()}
                    </button>
                </h3>
                <AvailabilityChip availability=status.availability.clone() />
            </header>
            {body}
        </li>
    }
}

/// What matters most about a device, in a line.
fn headline(device: &Device) -> String {
    let mut words = vec![kind(device.kind).to_owned()];
    words.extend(device.memory_bytes.map(format::bytes));
    let telling = ["amx", "avx512f", "bf16", "vnni", "shader-f16", "compute capability"];
    let features = device.features.iter().filter(|feature| {
        let feature = feature.to_lowercase();
        telling.iter().any(|word| feature.contains(word))
    });
    words.extend(features.take(4).cloned());
    words.join(" · ")
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "processor",
        DeviceKind::IntegratedGpu => "built-in graphics",
        DeviceKind::DiscreteGpu => "graphics card",
        DeviceKind::Npu => "neural processor",
        DeviceKind::Software => "drawn by the processor: right answers, meaningless speed",
        DeviceKind::Emulator => "emulator: its times say nothing about a device",
    }
}

#[component]
fn PlatformDetail(status: PlatformStatus) -> impl IntoView {
    view! {
        <section class="drawer-section">
            <AvailabilityChip availability=status.availability.clone() />
            {match status.availability {
                Availability::Ready => ().into_any(),
                Availability::Missing { reason, remedy } => view! { <p>{reason}</p><p>{remedy}</p> }.into_any(),
            }}
            <Facts facts=status.facts />
        </section>
        {status.devices.into_iter().map(|device| view! { <DeviceDetail device /> }).collect_view()}
    }
}

#[component]
fn DeviceDetail(device: Device) -> impl IntoView {
    let names: Vec<String> = [&device.id].into_iter().chain(&device.aliases).map(ToString::to_string).collect();
    let mut facts = vec![Fact::new("Kind", kind(device.kind)), Fact::new("Name for engines", names.join(", "))];
    facts.extend(device.memory_bytes.map(|bytes| Fact::new("Memory", format::bytes(bytes))));
    facts.extend(device.driver.map(|driver| Fact::new("Driver", driver)));
    facts.extend(device.facts);
    view! {
        <section class="drawer-section">
            <h3>{device.name}</h3>
            <Facts facts />
            <p class="feature-list">
                {device.features.into_iter().map(|feature| view! { <span class="chip neutral">{feature}</span> }).collect_view()}
            </p>
        </section>
    }
}
