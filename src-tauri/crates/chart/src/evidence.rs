//! How each kind of figure is drawn: measured solid, imported outlined, predicted hatched or with an open symbol.

use crate::Theme;
use contract::Evidence;
use serde_json::{Value, json};

/// The marker of a bar in this class's colour. The outline in ink keeps pale classes visible on pale paper.
pub fn bar(evidence: Evidence, colour: &str, theme: Theme) -> Value {
    match evidence {
        Evidence::Measured => json!({ "color": colour, "line": { "color": theme.ink(), "width": 0.75 } }),
        Evidence::Imported => json!({ "color": theme.paper(), "line": { "color": colour, "width": 2.5 } }),
        Evidence::Predicted => json!({
            "color": theme.paper(),
            "line": { "color": colour, "width": 1.5 },
            "pattern": { "shape": "/", "fgcolor": colour, "bgcolor": theme.paper(), "size": 6, "solidity": 0.35, "fillmode": "replace" },
        }),
    }
}

/// The marker of a point. Shape tells the class beside its colour, filling tells the evidence.
pub fn point(evidence: Evidence, class: usize, colour: &str, theme: Theme) -> Value {
    const SHAPES: [&str; 7] = ["circle", "square", "diamond", "triangle-up", "cross", "pentagon", "hexagon"];
    let shape = SHAPES[class % SHAPES.len()];
    match evidence {
        Evidence::Measured => {
            json!({ "symbol": shape, "size": 9, "color": colour, "line": { "color": theme.ink(), "width": 0.75 } })
        }
        Evidence::Imported => {
            json!({ "symbol": format!("{shape}-open"), "size": 9, "color": colour, "line": { "width": 2 } })
        }
        Evidence::Predicted => {
            json!({ "symbol": format!("{shape}-open-dot"), "size": 10, "color": colour, "line": { "width": 1.5 } })
        }
    }
}

/// Added to a legend's entry where it is not measured here.
pub fn suffix(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Measured => "",
        Evidence::Imported => " (imported)",
        Evidence::Predicted => " (predicted)",
    }
}
