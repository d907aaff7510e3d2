//! What the whole window shares: where the person is, what runs, what was told.

use chart::ChartKind;
use contract::{
    Failure, Filter, ImportProgress, ImportReport, Live, LiveComparison, Metric, ModelId, NoticeKind, Queue, RunRow,
    Settings, Theme,
};
use leptos::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in the left rail. Each appears when it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Welcome,
    Matrix,
    Launch,
    Compare,
    Charts,
    Results,
    Models,
    Templates,
    Recommend,
    Watch,
    Machine,
    Settings,
}

impl Place {
    /// Those the rail shows, in order.
    pub const RAIL: [Self; 11] = [
        Self::Matrix,
        Self::Launch,
        Self::Compare,
        Self::Charts,
        Self::Results,
        Self::Models,
        Self::Recommend,
        Self::Watch,
        Self::Templates,
        Self::Machine,
        Self::Settings,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Matrix => "matrix",
            Self::Launch => "launch",
            Self::Compare => "compare",
            Self::Charts => "charts",
            Self::Results => "results",
            Self::Models => "models",
            Self::Templates => "templates",
            Self::Recommend => "recommend",
            Self::Watch => "watch",
            Self::Machine => "machine",
            Self::Settings => "settings",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Welcome => "Welcome",
            Self::Matrix => "Matrix",
            Self::Launch => "Launch",
            Self::Compare => "Compare",
            Self::Charts => "Charts",
            Self::Results => "Results",
            Self::Models => "Models",
            Self::Templates => "Templates",
            Self::Recommend => "Recommend",
            Self::Watch => "Watch",
            Self::Machine => "This machine",
            Self::Settings => "Settings",
        }
    }
}

/// A sentence shown in the corner until it is read.
#[derive(Clone)]
pub struct Toast {
    pub id: u64,
    pub kind: NoticeKind,
    pub text: String,
    pub offer: Option<Offer>,
}

impl Toast {
    /// Whether it goes by itself: what says that something is wrong or can be undone stays until it is dismissed.
    pub fn passes(&self) -> bool {
        self.kind == NoticeKind::Info && self.offer.is_none()
    }
}

/// A button beside a sentence: "Undo".
#[derive(Clone)]
pub struct Offer {
    pub of: Offered,
    pub label: String,
    pub act: Callback<()>,
}

/// What is offered; a newer offer takes the place of an older one of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    ModelFile,
    /// Results that were deleted.
    Results,
    /// The template of this name, which is out of use.
    Template(String),
}

/// The signals that outlive a page. Copied freely; reach it with [`App::get`].
#[derive(Clone, Copy)]
pub struct App {
    pub place: RwSignal<Place>,
    pub settings: RwSignal<Settings>,
    pub queue: RwSignal<Queue>,
    pub live: RwSignal<Option<Live>>,
    /// The comparison going on, or the last one since the start.
    pub comparison: RwSignal<Option<LiveComparison>>,
    /// Grows when results were stored, imported, deleted or brought back.
    pub results: RwSignal<u64>,
    /// Grows when a change of a watched series was acknowledged, muted or opened again.
    pub marks: RwSignal<u64>,
    /// Grows when the inventory or its peaks changed.
    pub machine: RwSignal<u64>,
    /// This machine is being looked at again.
    pub scanning: RwSignal<bool>,
    /// Grows when the list of models changed.
    pub models: RwSignal<u64>,
    pub toasts: RwSignal<Vec<Toast>>,
    pub palette_open: RwSignal<bool>,
    pub export_open: RwSignal<bool>,
    /// What is being imported.
    pub import: RwSignal<Option<ImportProgress>>,
    /// What became of the table just imported, while its dialog is open.
    pub import_report: RwSignal<Option<ImportReport>>,
    /// The filter that matrix, charts and results share.
    pub filter: RwSignal<Filter>,
    pub metric: RwSignal<Metric>,
    /// Models to be chosen in Launch or opened among the models: just added, or asked for from an empty cell.
    pub wanted_models: RwSignal<Vec<ModelId>>,
    /// The model type that templates are to be shown for when their page opens.
    pub wanted_type: RwSignal<Option<String>>,
    /// The series to be looked at when Watch opens.
    pub wanted_series: RwSignal<Option<String>>,
    pub chart: RwSignal<ChartKind>,
    /// Results picked by hand for the charts; none picked draws what passes the filter.
    pub picked: RwSignal<Vec<RunRow>>,
    /// The template that is open, or was when the page was left.
    pub template: RwSignal<Option<String>>,
    /// A Python of the person's own, which generated files run in; empty for the one that Assay makes.
    pub own_python: RwSignal<String>,
    /// Why the one that Assay makes could not be made, until it is tried again.
    pub python_failure: RwSignal<Option<Failure>>,
    /// The system asks for dark colours.
    pub system_dark: RwSignal<bool>,
    pub version: RwSignal<String>,
}

impl App {
    pub fn new() -> Self {
        Self {
            place: RwSignal::new(Place::Matrix),
            settings: RwSignal::new(Settings::default()),
            queue: RwSignal::new(Queue::default()),
            live: RwSignal::new(None),
            comparison: RwSignal::new(None),
            results: RwSignal::new(0),
            marks: RwSignal::new(0),
            machine: RwSignal::new(0),
            scanning: RwSignal::new(false),
            models: RwSignal::new(0),
            toasts: RwSignal::new(Vec::new()),
            palette_open: RwSignal::new(false),
            export_open: RwSignal::new(false),
            import: RwSignal::new(None),
            import_report: RwSignal::new(None),
            filter: RwSignal::new(Filter::default()),
            metric: RwSignal::new(Metric::Latency),
            wanted_models: RwSignal::new(Vec::new()),
            wanted_type: RwSignal::new(None),
            wanted_series: RwSignal::new(None),
            chart: RwSignal::new(ChartKind::Latency),
            picked: RwSignal::new(Vec::new()),
            template: RwSignal::new(None),
            own_python: RwSignal::new(String::new()),
            python_failure: RwSignal::new(None),
            system_dark: RwSignal::new(dark_query().is_some_and(|query| query.matches())),
            version: RwSignal::new(String::new()),
        }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides App before it draws anything")
    }

    pub fn go(self, place: Place) {
        self.place.set(place);
    }

    pub fn tell(self, kind: NoticeKind, text: impl Into<String>) {
        self.toast(kind, text.into(), None);
    }

    /// Tells something with a button beside it.
    pub fn offer(
        self,
        of: Offered,
        text: impl Into<String>,
        label: impl Into<String>,
        act: impl Fn() + Send + Sync + 'static,
    ) {
        self.withdraw(&of);
        let offer = Offer { of, label: label.into(), act: Callback::new(move |()| act()) };
        self.toast(NoticeKind::Info, text.into(), Some(offer));
    }

    /// What was offered is no longer of use.
    pub fn withdraw(self, of: &Offered) {
        self.toasts.update(|toasts| toasts.retain(|toast| toast.offer.as_ref().is_none_or(|offer| offer.of != *of)));
    }

    pub fn tell_failure(self, failure: &Failure) {
        if *failure != Failure::Cancelled {
            self.tell(NoticeKind::Error, failure.to_string());
        }
    }

    pub fn dismiss(self, id: u64) {
        self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// The theme that is drawn now, whoever chose it.
    pub fn theme(self) -> chart::Theme {
        let dark = match self.settings.with(|settings| settings.theme) {
            Theme::System => self.system_dark.get(),
            Theme::Light => false,
            Theme::Dark => true,
        };
        if dark { chart::Theme::Dark } else { chart::Theme::Light }
    }

    /// Draws in this theme from now on, and at the next start before the settings are known.
    pub fn apply_theme(self, theme: Theme) {
        let root = document().document_element().expect("a document has a root");
        let storage = window().local_storage().ok().flatten();
        let word = match theme {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        };
        // Storage may be switched off in the WebView; then the theme is applied a moment later at the next start.
        match word {
            Some(word) => {
                let _ = root.set_attribute("data-theme", word);
                let _ = storage.map(|storage| storage.set_item("theme", word));
            }
            None => {
                let _ = root.remove_attribute("data-theme");
                let _ = storage.map(|storage| storage.remove_item("theme"));
            }
        }
    }

    fn toast(self, kind: NoticeKind, text: String, offer: Option<Offer>) {
        // Numbered for the life of the window: a timer that outlives its toast must not find another under its number.
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let id = TOLD.fetch_add(1, Ordering::Relaxed);
        self.toasts.update(|toasts| {
            toasts.retain(|toast| toast.text != text);
            // The corner holds four; the oldest that needs nobody gives way, else the oldest.
            if toasts.len() >= 4 {
                toasts.remove(toasts.iter().position(Toast::passes).unwrap_or(0));
            }
            toasts.push(Toast { id, kind, text, offer });
        });
    }
}

/// The system's wish for dark colours, which can be listened to.
pub fn dark_query() -> Option<web_sys::MediaQueryList> {
    window().match_media("(prefers-color-scheme: dark)").ok().flatten()
}
