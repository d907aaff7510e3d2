//! The store could not be opened, or the shell does not answer: says so, and offers the ways on.

use crate::{actions::send, parts::*, state::App};
use contract::{Failure, OpenStore};
use leptos::prelude::*;

#[component]
pub fn StartFailed(failure: Failure, #[prop(into)] on_retry: Callback<()>) -> impl IntoView {
    let app = App::get();
    let is_store = matches!(failure, Failure::Store { .. });
    let open_other = move |_| {
        send(app, OpenStore { path: None }, move |_, opened| {
            if opened.is_some() {
                on_retry.run(());
            }
        });
    };
    let title = if is_store { "Your results could not be opened" } else { "Assay could not start" };
    view! {
        <Failed failure title>
            <Button icon="again" testid="retry-start" on_press=move |_| on_retry.run(())>"Try again"</Button>
            {is_store.then(|| view! {
                <Button icon="folder" testid="open-other-store" on_press=open_other>"Open another file…"</Button>
            })}
        </Failed>
    }
}
