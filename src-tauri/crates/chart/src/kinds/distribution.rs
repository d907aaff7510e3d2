//! Every warm sample of a few results: violins with a box inside, ridges that overlap, or boxes alone.

use super::phases::row_names;
use crate::{Figure, Lack, Options, Spread, Table, format, layout, series};
use contract::Run;
use serde_json::json;

pub fn figure(runs: &[Run], options: Options) -> Result<Figure, Lack> {
    let runs: Vec<&Run> = runs.iter().filter(|run| !run.samples_ms.is_empty()).collect();
    if runs.is_empty() {
        return Err(Lack("None of these results has samples: they are kept only for what was measured here.".into()));
    }
    let theme = options.theme;
    let names = row_names(&runs);
    let mut table = Table::new(&["result", "sample", "ms"]);
    let mut data = Vec::new();
    for (index, (run, name)) in runs.iter().zip(&names).enumerate() {
        let colour = theme.class(index);
        let median =
            run.timing.as_ref().map(|timing| format!(" · median {} ms", format::significant(timing.median_ms)));
        let mut trace = json!({
            "name": series::escaped(name),
            "x": run.samples_ms,
            "y0": series::escaped(name),
            "orientation": "h",
            "line": { "color": colour, "width": 1.5 },
            "fillcolor": format!("{colour}33"),
            "marker": { "color": colour, "size": 4, "opacity": 0.75 },
            "hoveron": "points+kde",
            "hoverinfo": "x",
            "text": format!("{}{}", series::escaped(name), median.unwrap_or_default()),
        });
        layout::merge(
            &mut trace,
            // A density ends where the samples end: a smooth tail beyond them was never measured.
            match options.spread {
                Spread::Violins => json!({
                    "type": "violin", "width": 0.85, "points": "outliers", "spanmode": "hard",
                    "box": { "visible": true, "width": 0.25 },
                }),
                Spread::Ridges => json!({
                    "type": "violin", "width": 1.8, "side": "negative", "points": false, "spanmode": "hard",
                }),
                Spread::Boxes => json!({
                    "type": "box", "width": 0.85, "boxpoints": "outliers", "hoveron": "boxes+points", "boxmean": false,
                }),
            },
        );
        data.push(trace);
        for (number, ms) in run.samples_ms.iter().enumerate() {
            table.rows.push(vec![name.clone().into(), ((number + 1) as f64).into(), (*ms).into()]);
        }
    }
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            "showlegend": false,
            "xaxis": layout::axis(theme, "Time of one call (ms)"),
            "yaxis": layout::names(theme, &names.iter().map(|name| series::escaped(name)).collect::<Vec<_>>()),
            "height": (150 + names.len() * 110).max(320),
        }),
    );
    let samples: usize = runs.iter().map(|run| run.samples_ms.len()).sum();
    let points = match options.spread {
        Spread::Ridges => "Each ridge is as high as its times are frequent.",
        Spread::Violins | Spread::Boxes => {
            "Points lie more than 1.5 interquartile ranges outside the box; none is left out."
        }
    };
    let caption = format!("{} samples. {points}", format::count(samples as u64));
    Ok(Figure { data, layout, table, caption })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::run;

    #[test]
    fn distribution_draws_as_ever() {
        let figure = figure(&[run("bert", &[1.0, 1.1, 1.2, 5.0])], Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn boxes_hold_the_same_samples_as_violins() {
        let runs = [run("bert", &[1.0, 1.1, 1.2, 5.0])];
        let violins = figure(&runs, Options::default()).unwrap();
        let boxes = figure(&runs, Options { spread: Spread::Boxes, ..Options::default() }).unwrap();
        assert_eq!(violins.data[0]["x"], boxes.data[0]["x"]);
        assert_eq!((&violins.data[0]["type"], &boxes.data[0]["type"]), (&json!("violin"), &json!("box")));
    }

    #[test]
    fn ridges_rise_on_one_side_and_reach_over_the_row_above() {
        let runs = [run("bert", &[1.0, 1.1, 1.2, 5.0])];
        let ridges = figure(&runs, Options { spread: Spread::Ridges, ..Options::default() }).unwrap();
        assert_eq!(ridges.data[0]["side"], "negative", "the axis is reversed, so that less is above");
        assert!(ridges.data[0]["width"].as_f64().unwrap() > 1.0);
    }

    #[test]
    fn an_imported_result_has_no_samples_to_draw() {
        assert!(figure(&[run("bert", &[])], Options::default()).is_err());
    }
}
