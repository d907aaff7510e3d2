//! The store could not be opened, or the shell does not answer: says so, and offers the ways on.

use crate::{actions, parts::*, state::App};
use contract::Failure;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn StartFailed(
    failure: Failure,
    /// Where the store of a first start is, if it can be opened instead.
    usual_store: Option<String>,
    #[prop(into)] on_retry: Callback<()>,
) -> impl IntoView {
    let app = App::get();
    let is_store = matches!(failure, Failure::Store { .. });
    let open = move |path: Option<String>| {
        spawn_local(async move {
            if let Err(failure) = actions::open_store(path).await {
                app.tell_failure(&failure);
            }
        });
    };
    let title = if is_store { "Your results could not be opened" } else { "Assay could not start" };
    view! {
        <Failed failure title>
            // A store that failed to open stays failed until Assay is started again.
            {(!is_store).then(|| view! {
                <Button icon="again" testid="retry-start" on_press=move |_| on_retry.run(())>"Try again"</Button>
            })}
            {is_store.then(|| view! {
                <Button icon="folder" testid="open-other-store" on_press=move |_| open(None)>"Open another file…"</Button>
            })}
            {usual_store.map(|path| view! {
                <Button testid="open-usual-store" on_press=move |_| open(Some(path.clone()))>
                    "Open Assay's own store"
                </Button>
            })}
        </Failed>
    }
}
