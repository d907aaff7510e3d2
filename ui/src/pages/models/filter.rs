//! Which model types the gallery shows.

use crate::parts::{Button, ButtonKind, MultiSelect, SearchInput};
use contract::{Family, Medium, Support, TypeRow};
use leptos::prelude::*;

/// Nothing chosen means all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GalleryFilter {
    pub search: String,
    pub families: Vec<Family>,
    pub tasks: Vec<String>,
    pub media: Vec<Medium>,
    pub classes: Vec<SizeClass>,
    pub can: Vec<Can>,
}

/// By parameters at the default configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeClass {
    Tiny,
    Small,
    Medium,
    Large,
    Huge,
}

impl SizeClass {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Tiny, "below 10 million parameters"),
        (Self::Small, "10 to 100 million"),
        (Self::Medium, "100 million to 1 billion"),
        (Self::Large, "1 to 10 billion"),
        (Self::Huge, "above 10 billion"),
    ];

    fn of(parameters: u64) -> Self {
        match parameters {
            0..10_000_000 => Self::Tiny,
            10_000_000..100_000_000 => Self::Small,
            100_000_000..1_000_000_000 => Self::Medium,
            1_000_000_000..10_000_000_000 => Self::Large,
            _ => Self::Huge,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    Measure,
    Generate,
    NotYet,
}

impl Can {
    const ALL: [Self; 3] = [Self::Measure, Self::Generate, Self::NotYet];

    pub fn of(support: &Support) -> Self {
        match support {
            Support::Measured => Self::Measure,
            Support::Templates { .. } => Self::Generate,
            Support::NotYet { .. } => Self::NotYet,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Measure => "Can be measured",
            Self::Generate => "Templates only",
            Self::NotYet => "Not yet",
        }
    }
}

fn passes<T: PartialEq>(wanted: &[T], mut own: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(&mut own)
}

impl GalleryFilter {
    pub fn takes(&self, row: &TypeRow) -> bool {
        self.finds(&[&row.model_type, row.family.label(), &row.tasks.join(" ")])
            && passes(&self.families, |family| *family == row.family)
            && passes(&self.tasks, |task| row.tasks.contains(task))
            && passes(&self.media, |medium| row.reads.contains(medium))
            && passes(&self.classes, |class| row.parameters.map(SizeClass::of) == Some(*class))
            && passes(&self.can, |can| *can == Can::of(&row.support))
    }

    /// Whether every word that is looked for is in one of the texts.
    pub fn finds(&self, texts: &[&str]) -> bool {
        let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
        let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
        plain(&self.search).split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

#[component]
pub fn Bar(
    filter: RwSignal<GalleryFilter>,
    /// All tasks that a type is listed for.
    #[prop(into)]
    tasks: Signal<Vec<String>>,
) -> impl IntoView {
    let changed = Memo::new(move |_| filter.with(|filter| *filter != GalleryFilter::default()));
    let families = Family::ALL.iter().map(|family| (*family, family.label().to_owned())).collect::<Vec<_>>();
    let media = Medium::ALL.iter().map(|medium| (*medium, medium.label().to_owned())).collect::<Vec<_>>();
    let classes = SizeClass::ALL.map(|(class, label)| (class, label.to_owned())).to_vec();
    let can = Can::ALL.map(|can| (can, can.label().to_owned())).to_vec();
    view! {
        <div class="page-bar">
            <SearchInput
                value=Signal::derive(move || filter.with(|filter| filter.search.clone()))
                label="Search by name or task"
                testid="models-search"
                on_search=move |words| filter.update(|filter| filter.search = words)
            />
            <MultiSelect
                label="Reads"
                testid="models-reads"
                options=Signal::stored(media)
                chosen=Signal::derive(move || filter.with(|filter| filter.media.clone()))
                on_choose=move |chosen| filter.update(|filter| filter.media = chosen)
            />
            <MultiSelect
                label="Family"
                testid="models-family"
                options=Signal::stored(families)
                chosen=Signal::derive(move || filter.with(|filter| filter.families.clone()))
                on_choose=move |chosen| filter.update(|filter| filter.families = chosen)
            />
            <MultiSelect
                label="Task"
                testid="models-task"
                options=Signal::derive(move || tasks.get().into_iter().map(|task| (task.clone(), task)).collect::<Vec<_>>())
                chosen=Signal::derive(move || filter.with(|filter| filter.tasks.clone()))
                on_choose=move |chosen| filter.update(|filter| filter.tasks = chosen)
            />
            <MultiSelect
                label="Size"
                testid="models-size"
                options=Signal::stored(classes)
                chosen=Signal::derive(move || filter.with(|filter| filter.classes.clone()))
                on_choose=move |chosen| filter.update(|filter| filter.classes = chosen)
            />
            <MultiSelect
                label="Support"
                testid="models-can"
                options=Signal::stored(can)
                chosen=Signal::derive(move || filter.with(|filter| filter.can.clone()))
                on_choose=move |chosen| filter.update(|filter| filter.can = chosen)
            />
            <Show when=move || changed.get()>
                <Button
                    kind=ButtonKind::Ghost
                    icon="close"
                    testid="models-clear"
                    on_press=move |_| filter.set(GalleryFilter::default())
                >
                    "Clear"
                </Button>
            </Show>
        </div>
    }
}
