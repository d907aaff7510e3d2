//! Sentences for the person, in the corner.

use super::{Icon, IconButton};
use crate::state::{App, Toast};
use contract::NoticeKind;
use leptos::prelude::*;
use std::time::Duration;

/// Long enough to read two sentences.
const SHOWN_FOR: Duration = Duration::from_secs(9);

#[component]
pub fn Notices() -> impl IntoView {
    let app = App::get();
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || app.toasts.get() key=|toast| toast.id let:toast>
                <Notice toast />
            </For>
        </div>
    }
}

#[component]
fn Notice(toast: Toast) -> impl IntoView {
    let app = App::get();
    let (class, icon) = match toast.kind {
        NoticeKind::Info => ("notice", "info"),
        NoticeKind::Warning => ("notice warning", "warning"),
        NoticeKind::Error => ("notice error", "error"),
    };
    let id = toast.id;
    let (hovered, focused) = (RwSignal::new(false), RwSignal::new(false));
    if toast.passes() {
        pass(app, id, Signal::derive(move || hovered.get() || focused.get()));
    }
    view! {
        <div
            class=class
            data-testid="notice"
            on:mouseenter=move |_| hovered.set(true)
            on:mouseleave=move |_| hovered.set(false)
            on:focusin=move |_| focused.set(true)
            on:focusout=move |_| focused.set(false)
        >
            <Icon name=icon />
            <p>{toast.text}</p>
            <div class="notice-buttons">
                {toast.offer.map(|offer| view! {
                    <button type="button" class="button small" data-testid="notice-act" on:click=move |_| {
                        app.dismiss(id);
                        offer.act.run(());
                    }>{offer.label.clone()}</button>
                })}
                <IconButton icon="close" label="Dismiss" small=true on_press=move |_| app.dismiss(id) />
            </div>
        </div>
    }
}

/// Dismisses a sentence after its time, which begins anew when pointer and focus have left it.
fn pass(app: App, id: u64, is_held: Signal<bool>) {
    let pending = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        if let Some(earlier) = pending.get_value() {
            earlier.clear();
        }
        let wait = || set_timeout_with_handle(move || app.dismiss(id), SHOWN_FOR).ok();
        pending.set_value(if is_held.get() { None } else { wait() });
    });
}
