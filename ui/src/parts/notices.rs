//! Sentences for the person, in the corner.

use super::{Icon, IconButton};
use crate::state::{App, Toast};
use contract::NoticeKind;
use leptos::prelude::*;

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
    view! {
        <div class=class data-testid="notice">
            <Icon name=icon />
            <p>{toast.text}</p>
            <div class="notice-buttons">
                {toast.remedy.map(|(label, act)| view! {
                    <button type="button" class="button small" data-testid="notice-act" on:click=move |_| {
                        app.dismiss(id);
                        act.run(());
                    }>{label}</button>
                })}
                <IconButton icon="close" label="Dismiss" small=true on_press=move |_| app.dismiss(id) />
            </div>
        </div>
    }
}
