//! The frame every chart shares: fonts, grid, margins, legend.

use crate::Theme;
use serde_json::{Value, json};

pub fn base(theme: Theme) -> Value {
    json!({
        "paper_bgcolor": theme.paper(),
        "plot_bgcolor": theme.paper(),
        "font": { "family": "'Source Sans 3', sans-serif", "size": 13, "color": theme.ink() },
        "margin": { "l": 64, "r": 44, "t": 16, "b": 56 },
        "legend": { "orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": { "color": theme.ink() } },
        "hoverlabel": {
            "bgcolor": theme.paper(),
            "bordercolor": theme.quiet(),
            "font": { "family": "'Source Sans 3', sans-serif", "size": 13, "color": theme.ink() },
            "align": "left",
        },
        "showlegend": true,
        "modebar": { "orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": theme.quiet(), "activecolor": theme.ink() },
        "bargap": 0.28,
        "bargroupgap": 0.08,
    })
}

pub fn axis(theme: Theme, title: &str) -> Value {
    json!({
        "title": { "text": title, "font": { "color": theme.quiet(), "size": 13 }, "standoff": 12 },
        "gridcolor": theme.grid(),
        "linecolor": theme.grid(),
        "zerolinecolor": theme.quiet(),
        "tickcolor": theme.grid(),
        "tickfont": { "color": theme.quiet() },
        "automargin": true,
    })
}

/// For what lies orders of magnitude apart.
pub fn log_axis(theme: Theme, title: &str) -> Value {
    let mut axis = axis(theme, title);
    merge(&mut axis, json!({ "type": "log", "nticks": 8 }));
    axis
}

/// An axis of names, the first on top.
pub fn names(theme: Theme, in_order: &[String]) -> Value {
    let mut axis = axis(theme, "");
    merge(
        &mut axis,
        json!({
            "type": "category",
            "categoryorder": "array",
            "categoryarray": in_order,
            "autorange": "reversed",
            "showgrid": false,
            "tickfont": { "color": theme.ink() },
        }),
    );
    axis
}

/// The line where both axes are equal, between the least and the most of what is drawn.
pub fn diagonal(theme: Theme, name: &str, drawn: impl Iterator<Item = f64>) -> Value {
    let (least, most) = drawn.fold((f64::INFINITY, 0.0f64), |(least, most), end| (least.min(end), most.max(end)));
    json!({
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [least, most],
        "y": [least, most],
        "line": { "color": theme.quiet(), "width": 1.5, "dash": "dot" },
        "hoverinfo": "skip",
    })
}

/// Bars from each value to its lower and its upper end.
pub fn error_bars(of: impl Iterator<Item = (f64, f64, f64)>, colour: &str) -> Value {
    let (up, down): (Vec<f64>, Vec<f64>) = of.map(|(value, low, high)| (high - value, value - low)).unzip();
    json!({
        "type": "data",
        "symmetric": false,
        "array": up,
        "arrayminus": down,
        "color": colour,
        "thickness": 1.2,
        "width": 4,
    })
}

/// Sets the fields of `more` on `value`, replacing what was there.
pub fn merge(value: &mut Value, more: Value) {
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), more) {
        fields.extend(more);
    }
}
