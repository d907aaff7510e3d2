//! The table itself. Only the rows in sight are drawn, so that thousands of models scroll smoothly.

use super::{
    cell::{Best, Cell, Column, column_of},
    drawer::CellAt,
    sort::{By, Sort},
};
use crate::parts::Icon;
use contract::{Matrix, MatrixColumn, MatrixRow, Metric};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// Height of a row in pixels, as `.matrix td` sets it.
const ROW: f64 = 70.0;
/// Rows drawn beyond the visible ones on each side.
const SPARE: usize = 6;

#[component]
pub fn Grid(matrix: Signal<Matrix>, open: RwSignal<Option<CellAt>>) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let sort = RwSignal::new(Sort::default());
    let order = Memo::new(move |_| matrix.with(|matrix| sort.get().order(matrix)));
    let top = RwSignal::new(0.0f64);
    let height = RwSignal::new(900.0f64);
    let measure = move || {
        if let Some(Some(frame)) = frame.try_get_untracked() {
            top.set(f64::from(frame.scroll_top()));
            height.set(f64::from(frame.client_height()));
        }
    };
    Effect::new(move |_| {
        frame.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());

    let visible = Memo::new(move |_| {
        let first = ((top.get() / ROW) as usize).saturating_sub(SPARE);
        let many = (height.get() / ROW).ceil() as usize + 2 * SPARE;
        let last = (first + many).min(order.with(Vec::len));
        (first.min(last), last)
    });
    let shown = Memo::new(move |_| {
        let (first, last) = visible.get();
        matrix.with(|matrix| {
            order.with(|order| order[first..last].iter().map(|at| Shown::of(matrix, *at)).collect::<Vec<_>>())
        })
    });
    let columns = Memo::new(move |_| matrix.with(|matrix| matrix.columns.clone()));
    let spacer = move |rows: usize| {
        (rows > 0).then(|| view! { <tr aria-hidden="true" style:height=format!("{}px", rows as f64 * ROW)></tr> })
    };

    view! {
        <div class="matrix-frame" node_ref=frame on:scroll=move |_| measure()>
            <table
                class="matrix"
                aria-label=move || matrix.with(|matrix| format!("{} by model and device", matrix.metric.label()))
                aria-rowcount=move || (order.with(Vec::len) + 1).to_string()
                data-testid="matrix"
                on:keydown=walk
            >
                {move || view! { <Head columns=columns.get() sort /> }}
                <tbody>
                    {move || spacer(visible.get().0)}
                    <For each=move || shown.get() key=|shown| shown.key() children=move |shown| view! { <Row shown open /> } />
                    {move || spacer(order.with(Vec::len) - visible.get().1)}
                </tbody>
            </table>
        </div>
    }
}

/// A row in sight, with all it is drawn from.
#[derive(Clone, PartialEq)]
struct Shown {
    row: MatrixRow,
    columns: Vec<MatrixColumn>,
    metric: Metric,
}

impl Shown {
    fn of(matrix: &Matrix, at: usize) -> Self {
        Self { row: matrix.rows[at].clone(), columns: matrix.columns.clone(), metric: matrix.metric }
    }

    /// A row is drawn anew only when something in it changed, so that focus stays while results arrive.
    fn key(&self) -> String {
        format!("{:?} {:?} {:?}", self.metric, self.row, self.columns)
    }
}

#[component]
fn Head(columns: Vec<MatrixColumn>, sort: RwSignal<Sort>) -> impl IntoView {
    let head = move |by: By, label: String, under: String, class: &'static str, title: String| {
        view! {
            <th scope="col" class=class aria-sort=move || sort.get().aria(by) title=title>
                <button type="button" class="sort" on:click=move |_| sort.update(|sort| *sort = sort.pressed(by))>
                    <span>{label}</span>
                    <Icon name="down" size=12 />
                </button>
                <span class="matrix-device clip">{under}</span>
            </th>
        }
    };
    view! {
        <thead>
            <tr>
                {head(By::Name, "Model".into(), String::new(), "matrix-model", String::new())}
                {columns
                    .into_iter()
                    .enumerate()
                    .map(|(index, column)| {
                        let Column { platform, device, class, told } = column_of(&column);
                        head(By::Column(index), platform, device, class, told)
                    })
                    .collect_view()}
            </tr>
        </thead>
    }
}

#[component]
fn Row(shown: Shown, open: RwSignal<Option<CellAt>>) -> impl IntoView {
    let Shown { row: MatrixRow { model, family, cells }, columns, metric } = shown;
    let best = Best::of(metric, &cells);
    let name = model.clone();
    let cells = columns
        .into_iter()
        .zip(cells)
        .map(|(column, cell)| {
            let at = CellAt { model: model.clone(), column, cell };
            view! { <Cell at metric best=best.clone() open /> }
        })
        .collect_view();
    view! {
        <tr>
            <th scope="row" class="matrix-model">
                <span class="clip" title=name.clone()>{name.clone()}</span>
                <span class="matrix-family">{family}</span>
            </th>
            {cells}
        </tr>
    }
}

/// Arrow keys walk from cell to cell.
fn walk(event: ev::KeyboardEvent) {
    let (down, right) = match event.key().as_str() {
        "ArrowDown" => (1, 0),
        "ArrowUp" => (-1, 0),
        "ArrowRight" => (0, 1),
        "ArrowLeft" => (0, -1),
        _ => return,
    };
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(here) = element.and_then(|element| element.closest("td,th").ok().flatten()) else { return };
    let there = if right != 0 { beside(&here, right) } else { above_or_below(&here, down) };
    let target = there.and_then(|there| there.query_selector("button, [tabindex]").ok().flatten());
    if let Some(target) = target.and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok()) {
        event.prevent_default();
        // Focusing fails only on elements that are gone.
        let _ = target.focus();
    }
}

fn beside(cell: &web_sys::Element, right: i32) -> Option<web_sys::Element> {
    if right > 0 { cell.next_element_sibling() } else { cell.previous_element_sibling() }
}

fn above_or_below(cell: &web_sys::Element, down: i32) -> Option<web_sys::Element> {
    let row = cell.parent_element()?;
    let index = (0..row.children().length()).find(|index| row.children().item(*index).as_ref() == Some(cell))?;
    let other = if down > 0 { row.next_element_sibling() } else { row.previous_element_sibling() }?;
    other.children().item(index)
}
