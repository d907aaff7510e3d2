//! The one button, in four weights.

use super::Icon;
use leptos::{ev::MouseEvent, prelude::*};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    #[default]
    Plain,
    /// The one thing to do next.
    Primary,
    /// Destroys something; comes with undo or a question.
    Danger,
    Ghost,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button primary",
            Self::Danger => "button danger",
            Self::Ghost => "button ghost",
        }
    }
}

#[component]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] icon: Option<&'static str>,
    #[prop(optional)] small: bool,
    #[prop(optional)] large: bool,
    #[prop(into, optional)] disabled: Signal<bool>,
    /// Its work is under way: it turns and cannot be pressed again.
    #[prop(into, optional)]
    busy: Signal<bool>,
    #[prop(into, optional)] testid: String,
    #[prop(into, optional)] title: String,
    on_press: impl Fn(MouseEvent) + Send + Sync + 'static,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=kind.class()
            class:small=small
            class:large=large
            class:button-busy=busy
            disabled=move || disabled.get() || busy.get()
            title=(!title.is_empty()).then_some(title)
            data-testid=(!testid.is_empty()).then_some(testid)
            on:click=on_press
        >
            {icon.map(|name| view! { <Icon name /> })}
            {children()}
        </button>
    }
}

/// A button that is only its picture; `label` is what it is called.
#[component]
pub fn IconButton(
    icon: &'static str,
    #[prop(into)] label: String,
    #[prop(optional)] small: bool,
    #[prop(into, optional)] disabled: Signal<bool>,
    #[prop(into, optional)] testid: String,
    on_press: impl Fn(MouseEvent) + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button ghost icon"
            class:small=small
            disabled=disabled
            title=label.clone()
            aria-label=label
            data-testid=(!testid.is_empty()).then_some(testid)
            on:click=on_press
        >
            <Icon name=icon />
        </button>
    }
}
