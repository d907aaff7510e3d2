//! Line pictures on a 16 by 16 grid, and the mark: an A whose crossbar is an interval.

use leptos::prelude::*;

#[component]
pub fn Icon(name: &'static str, #[prop(default = 16)] size: u32) -> impl IntoView {
    let stroke = if size > 20 { "1.1" } else { "1.5" };
    view! {
        <svg
            width=size
            height=size
            viewBox="0 0 16 16"
            fill="none"
            stroke="currentColor"
            stroke-width=stroke
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=path(name) />
        </svg>
    }
}

#[component]
pub fn Mark(#[prop(default = 22)] size: u32) -> impl IntoView {
    view! {
        <svg width=size height=size viewBox="0 0 24 24" fill="none" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d="M4 21 12 3l8 18" stroke="var(--ink)" stroke-width="2.4" />
            <path d="M5.2 15h13.6M5.2 13v4M18.8 13v4" stroke="currentColor" stroke-width="1.8" />
        </svg>
    }
}

fn path(name: &str) -> &'static str {
    match name {
        "matrix" => "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11",
        "launch" => "M4.5 2.8v10.4L13 8z",
        "charts" => "M2.5 2.5v11h11M5.5 10.5l2.6-3.4 2.2 1.7 3-4.3",
        "results" => "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
        "models" => "M8 2.2 14 5.2 8 8.2 2 5.2zM2 8.2l6 3 6-3M2 11l6 3 6-3",
        "templates" => "M5.5 3.5 2.5 8l3 4.5M10.5 3.5l3 4.5-3 4.5M9 2.5 7 13.5",
        "recommend" => "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM10.6 5.4 9.2 9.2 5.4 10.6 6.8 6.8z",
        "watch" => "M2 9h2.6l1.8-5 3 8.6L11.2 7l.8 2h2",
        "machine" => {
            "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14"
        }
        "settings" => "M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.2 2.8v3.4M5.8 9.8v3.4",
        "search" => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 13.5 13.5",
        "close" => "M4 4l8 8M12 4l-8 8",
        "check" => "M3 8.5 6.5 12 13 4.5",
        "down" => "M4 6l4 4 4-4",
        "right" => "M6 4l4 4-4 4",
        "left" => "M10 4L6 8l4 4",
        "up" => "M4 10l4-4 4 4",
        "plus" => "M8 3v10M3 8h10",
        "minus" => "M3 8h10",
        "trash" => "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.5 9h6l.5-9M6.8 7v4M9.2 7v4",
        "note" => "M3 12.8V10l7.3-7.3 2.8 2.8L5.8 12.8zM9 4l2.8 2.8",
        "import" => "M8 2.5V10M5 7l3 3 3-3M2.5 10.5v3h11v-3",
        "export" => "M8 10V2.5M5 5.5l3-3 3 3M2.5 10.5v3h11v-3",
        "file" => "M4 2h5l3 3v9H4zM9 2v3h3",
        "folder" => "M2 4h4l1.5 1.5H14V13H2z",
        "info" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.5M8 5.2h.01",
        "warning" => "M8 2.5 14.5 13.5h-13zM8 6.8v3.2M8 11.9h.01",
        "error" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6 6l4 4M10 6l-4 4",
        "pause" => "M5.5 3.5v9M10.5 3.5v9",
        "stop" => "M4 4h8v8H4z",
        "again" => "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
        "compare" => "M5 2.5v11M11 2.5v11M2.5 6h5M8.5 10h5",
        "filter" => "M2.5 3.5h11L9.5 8.5v4l-3 1.5V8.5z",
        "table" => "M2.5 3h11v10h-11zM2.5 6.5h11M7 6.5V13",
        "picture" => "M2.5 3h11v10h-11zM2.5 11l3.5-3.5 2.5 2.5 2-2 3 3M10.5 5.8h.01",
        "drag" => "M6 3.5h.01M10 3.5h.01M6 8h.01M10 8h.01M6 12.5h.01M10 12.5h.01",
        "memory" => "M2.5 5h11v6h-11zM5 11v2M8 11v2M11 11v2M5 7.5v1M8 7.5v1M11 7.5v1",
        "spark" => "M8 2v4M8 10v4M2 8h4M10 8h4M4 4l2 2M10 10l2 2M12 4l-2 2M6 10l-2 2",
        _ => "M8 8h.01",
    }
}
