//! The versions of the open template: look at one beside the text, restore it, release it; and what an update offers.

use super::work::Work;
use crate::{
    actions,
    editor::CodeView,
    load::load,
    parts::*,
    state::{App, Offered},
    time,
};
use contract::*;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn History(work: Work) -> impl IntoView {
    let versions = load(move || {
        work.saved.track();
        Some(GetTemplateHistory { name: work.name()? })
    });
    let compared = RwSignal::new(None::<Comparison>);
    view! {
        <div class="side-scroll" data-testid="history">
            <Offer work compared />
            <WhenLoaded load=versions rows=4 ready=move |versions| {
                let is_own = !versions.iter().any(|version| matches!(version.origin, VersionOrigin::Shipped | VersionOrigin::Offered));
                view! {
                    <ul class="versions">
                        {versions.into_iter().map(|version| view! { <Version version work compared /> }).collect_view()}
                    </ul>
                    {is_own.then(|| view! { <Remove work /> })}
                }
            } />
        </div>
        {move || compared.get().map(|comparison| view! { <Compared comparison on_close=move || compared.set(None) /> })}
    }
}

/// Two texts to look at side by side.
#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    title: String,
    lead: String,
    old: String,
    now: String,
}

#[component]
fn Version(version: TemplateVersion, work: Work, compared: RwSignal<Option<Comparison>>) -> impl IntoView {
    let app = App::get();
    let TemplateVersion { number, text, note, author, saved_at, origin, released } = version;
    let in_use =
        work.opened.with_untracked(|opened| opened.as_ref().map(|opened| opened.stored.version)) == Some(number);
    let told = match origin {
        VersionOrigin::Saved if note.is_empty() => format!("Saved by {author}"),
        VersionOrigin::Saved => note,
        VersionOrigin::Shipped => format!("Came with {note}"),
        _ if note.is_empty() => origin.label().to_owned(),
        _ => format!("{}: {note}", origin.label()),
    };
    let look = {
        let text = text.clone();
        move |_| {
            compared.set(Some(Comparison {
                title: format!("Version {number} and the text in the editor"),
                lead: "The older text is on the left. Lines that are the same in both are folded.".into(),
                old: text.clone(),
                now: work.text.get_untracked(),
            }));
        }
    };
    let restore = move |_| {
        let note = format!("Version {number} again");
        work.save(text.clone(), VersionOrigin::Restored, note, false, move |stored| {
            app.tell(NoticeKind::Info, format!("Version {number} is in use again, as version {}.", stored.version));
        });
    };
    let tag = move |_| {
        let Some(name) = untrack(|| work.name()) else { return };
        actions::send(app, TagTemplate { name, number, released: !released }, move |_, ()| work.reopen());
    };
    view! {
        <li class="version" data-testid=format!("version-{number}")>
            <div class="spread">
                <strong>"Version "{number}</strong>
                <span class="row">
                    {in_use.then(|| view! { <span class="chip neutral">"In use"</span> })}
                    {released.then(|| view! { <span class="chip ready">"Released"</span> })}
                </span>
            </div>
            <p>{told}</p>
            <p class="small quiet">{time::minute(saved_at)}</p>
            <div class="row wrap">
                <Button small=true icon="compare" testid=format!("compare-{number}") on_press=look>"Compare"</Button>
                {(!in_use).then(|| view! {
                    <Button small=true icon="again" testid=format!("restore-{number}") on_press=restore>"Restore"</Button>
                })}
                <Button small=true icon="check" testid=format!("release-{number}") on_press=tag>
                    {if released { "Take the release back" } else { "Release" }}
                </Button>
            </div>
        </li>
    }
}

/// A person's own template can be taken out of use.
#[component]
fn Remove(work: Work) -> impl IntoView {
    let app = App::get();
    let remove = move |_| {
        let Some(opened) = work.opened.get_untracked() else { return };
        let StoredTemplate { name, text, .. } = opened.stored;
        actions::send(app, RemoveTemplate { name: name.clone() }, move |app, ()| {
            work.close();
            app.offer(Offered::Template(name.clone()), format!("{name} is out of use."), "Undo", move || {
                let (name, text) = (name.clone(), text.clone());
                let back =
                    SaveTemplate { name, text, origin: VersionOrigin::Restored, note: "Taken back into use".into() };
                actions::send(app, back, move |_, _| {
                    work.saved.try_update(|saved| *saved += 1);
                });
            });
        });
    };
    view! {
        <Button small=true kind=ButtonKind::Danger icon="trash" testid="template-remove" on_press=remove>"Take out of use"</Button>
    }
}

/// What an update of Assay brought for a template that a person changed.
#[component]
fn Offer(work: Work, compared: RwSignal<Option<Comparison>>) -> impl IntoView {
    let app = App::get();
    let merge = load(move || {
        let offered = work.opened.with(|opened| opened.as_ref().and_then(|opened| opened.stored.offered));
        offered.and_then(|_| Some(MergeTemplate { name: work.name()? }))
    });
    let merged = move || merge.value.with(|merge| merge.ready().cloned().flatten());
    let look = move |text: String| {
        compared.set(Some(Comparison {
            title: "Your text, and with what the update brought".into(),
            lead: "Your text is on the left.".into(),
            old: work.text.get_untracked(),
            now: text,
        }));
    };
    move || {
        merged().map(|merged| {
            let TemplateMerge { text, has_conflicts } = merged;
            let (shown, taken) = (text.clone(), text);
            let told = if has_conflicts {
                "An update of Assay changed this template in lines that you changed too. Both stand between marks in the merged text; keep one of each."
            } else {
                "An update of Assay changed this template. It can be merged with your changes."
            };
            view! {
                <div class="offer">
                    <p>{told}</p>
                    <div class="row wrap">
                        <Button small=true icon="compare" testid="merge-look" on_press=move |_| look(shown.clone())>"Look at it"</Button>
                        <Button small=true kind=ButtonKind::Primary testid="merge-take" on_press=move |_| {
                            work.merging.set(true);
                            work.replaced.set(Some(taken.clone()));
                            app.tell(NoticeKind::Info, "The merged text is in the editor. Save it as a version to keep it.");
                        }>"Take it into the editor"</Button>
                    </div>
                </div>
            }
        })
    }
}

#[component]
fn Compared(comparison: Comparison, on_close: impl Fn() + Clone + Send + Sync + 'static) -> impl IntoView {
    let Comparison { title, lead, old, now } = comparison;
    let open = RwSignal::new(true);
    Effect::new(move |_| {
        if !open.get() {
            on_close();
        }
    });
    let same = old == now;
    view! {
        <Dialog open title wide=true>
            <div class="dialog-body">
                <p class="small quiet">{lead.clone()}</p>
                {same.then(|| view! { <p>"Both are the same."</p> })}
                <SideBySide old=old.clone() now=now.clone() />
            </div>
        </Dialog>
    }
}

#[component]
fn SideBySide(old: String, now: String) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let code = RwSignal::new_local(None::<CodeView>);
    let failure = RwSignal::new(None::<Failure>);
    Effect::new(move |_| {
        let Some(place) = place.get() else { return };
        let (old, now) = (old.clone(), now.clone());
        spawn_local(async move {
            match CodeView::compare(&place, &old, &now).await {
                // The dialog may be closed by now, and its signals gone.
                Ok(view) => drop(code.try_set(Some(view))),
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    });
    view! {
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
        <div class="side-by-side" data-testid="side-by-side" node_ref=place></div>
    }
}
