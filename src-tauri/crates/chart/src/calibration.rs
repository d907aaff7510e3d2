//! How predictions fared: each against the result that came after it, and the share of intervals that held by month.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{EngineId, Evidence, Fared, ForecastRecord, JudgedForecast, PROMISED};
use serde_json::json;

/// Points in one picture; more would hide each other and slow the window down.
const DRAWN: usize = 1000;

/// What was measured across, what was predicted up: a bar that crosses the diagonal held.
///
/// # Errors
/// Where nothing that was predicted was measured later.
pub fn predicted_against_measured(record: &ForecastRecord, options: Options) -> Result<Figure, Lack> {
    let theme = options.theme;
    let drawn = &record.judged[record.judged.len().saturating_sub(DRAWN)..];
    if drawn.is_empty() {
        return Err(lack(record));
    }
    let ends = drawn.iter().flat_map(|own| [own.measured_ms, own.forecast.value_ms]);
    let mut data = vec![layout::diagonal(theme, "As predicted", ends)];
    for (name, is_hit, class) in [("Inside its interval", true, 0), ("Outside its interval", false, 3)] {
        let points: Vec<&JudgedForecast> = drawn.iter().filter(|own| own.is_hit() == is_hit).collect();
        if !points.is_empty() {
            let colour = theme.class(class);
            data.push(json!({
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": points.iter().map(|own| own.measured_ms).collect::<Vec<_>>(),
                "y": points.iter().map(|own| own.forecast.value_ms).collect::<Vec<_>>(),
                "error_y": layout::error_bars(points.iter().map(|own| {
                    let forecast = &own.forecast;
                    (forecast.value_ms, forecast.low_ms, forecast.high_ms)
                }), colour),
                "marker": evidence::point(Evidence::Predicted, class, colour, theme),
                "customdata": points.iter().map(|own| own.run.0.clone()).collect::<Vec<_>>(),
                "hovertext": points.iter().map(|own| said(own)).collect::<Vec<_>>(),
                "hoverinfo": "text",
            }));
        }
    }
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            "xaxis": layout::log_axis(theme, "Measured (ms)"),
            "yaxis": layout::log_axis(theme, "Predicted (ms)"),
            "height": 420,
            "uirevision": "predicted-against-measured",
        }),
    );
    let left_out = record.judged.len() - drawn.len();
    let left_out = match left_out {
        0 => String::new(),
        n => format!(" The {} before these are in the data and not drawn.", format::count(n as u64)),
    };
    let caption = format!(
        "Each bar is the 90 % interval of one prediction. It held where the bar crosses the dotted line. Press a mark \
         for the result that judged it.{left_out}"
    );
    Ok(Figure { data, layout, table: pairs(record), caption })
}

/// The share of intervals that held among the results of each month, with its 95 % interval.
///
/// # Errors
/// The same.
pub fn coverage_by_month(record: &ForecastRecord, options: Options) -> Result<Figure, Lack> {
    let theme = options.theme;
    let months = record.by_month();
    if months.is_empty() {
        return Err(lack(record));
    }
    let percents: Vec<(f64, f64, f64)> = months.iter().map(|(_, fared)| percents(*fared)).collect();
    let mut table = Table::new(&["month", "predictions", "inside", "share %", "low %", "high %"]);
    for ((month, fared), (share, low, high)) in months.iter().zip(&percents) {
        table.rows.push(vec![
            month.clone().into(),
            (fared.judged as f64).into(),
            (fared.hits as f64).into(),
            (*share).into(),
            (*low).into(),
            (*high).into(),
        ]);
    }
    let told = |(month, fared): &(String, Fared), (share, low, high): &(f64, f64, f64)| {
        format!(
            "<b>{share:.0} % inside</b><br>{month}: {} of {}<br>between {low:.0} and {high:.0} %",
            fared.hits, fared.judged
        )
    };
    let data = vec![json!({
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Inside their interval",
        "x": months.iter().map(|(month, _)| month.clone()).collect::<Vec<_>>(),
        "y": percents.iter().map(|(share, ..)| *share).collect::<Vec<_>>(),
        "error_y": layout::error_bars(percents.iter().copied(), theme.class(0)),
        "line": { "color": theme.class(0), "width": 2 },
        "marker": evidence::point(Evidence::Measured, 0, theme.class(0), theme),
        "hovertext": months.iter().zip(&percents).map(|(month, percents)| told(month, percents)).collect::<Vec<_>>(),
        "hoverinfo": "text",
    })];
    let promised = 100.0 * PROMISED;
    let mut layout = layout::base(theme);
    let mut time = layout::axis(theme, "");
    layout::merge(&mut time, json!({ "type": "category", "tickfont": { "color": theme.ink() } }));
    let mut shares = layout::axis(theme, "Inside their interval (%)");
    layout::merge(&mut shares, json!({ "range": [0, 104] }));
    layout::merge(
        &mut layout,
        json!({
            "xaxis": time,
            "yaxis": shares,
            "height": 420,
            "showlegend": false,
            "shapes": [{
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": promised, "y1": promised,
                "line": { "color": theme.class(3), "width": 1.5, "dash": "dash" },
            }],
            "annotations": [{
                "xref": "paper", "x": 1, "xanchor": "right", "y": promised, "yanchor": "top", "showarrow": false,
                "text": "promised", "font": { "color": theme.ink(), "size": 12 },
            }],
            "uirevision": "coverage-by-month",
        }),
    );
    let caption =
        "By the month of the result. Bars are how far the share may be off with so few predictions (95 %).".to_owned();
    Ok(Figure { data, layout, table, caption })
}

fn lack(record: &ForecastRecord) -> Lack {
    Lack(format!("{}.", record.told()))
}

fn percents(fared: Fared) -> (f64, f64, f64) {
    let share = fared.share().unwrap_or_default();
    let (low, high) = fared.interval().unwrap_or_default();
    (100.0 * share, 100.0 * low, 100.0 * high)
}

fn setting(own: &JudgedForecast) -> String {
    let forecast = &own.forecast;
    let mut words = vec![forecast.model.clone(), forecast.precision.clone()];
    words.extend(forecast.batch.map(|batch| format!("batch {batch}")));
    words.extend(forecast.size.map(|size| format!("size {size}")));
    words.join(" · ")
}

fn place(own: &JudgedForecast) -> String {
    format!("{} · {}", EngineId::from(own.forecast.engine.as_str()).label(), own.forecast.hardware)
}

fn said(own: &JudgedForecast) -> String {
    let forecast = &own.forecast;
    let ms = format::duration_ms;
    let lines = [
        format!("<b>{} predicted, {} measured</b>", ms(forecast.value_ms), ms(own.measured_ms)),
        series::escaped(&setting(own)),
        series::escaped(&place(own)),
        format!("90 % interval {} to {}", ms(forecast.low_ms), ms(forecast.high_ms)),
        format!("{}, {}", own.evidence.label(), own.measured_at.strftime("%Y-%m-%d")),
        forecast.support.label().to_owned(),
    ];
    lines.join("<br>")
}

fn pairs(record: &ForecastRecord) -> Table {
    let mut table = Table::new(&[
        "setting",
        "engine and hardware",
        "predicted ms",
        "low ms",
        "high ms",
        "measured ms",
        "inside",
        "result",
        "predicted at",
        "measured at",
        "what was known",
    ]);
    for own in &record.judged {
        let forecast = &own.forecast;
        table.rows.push(vec![
            setting(own).into(),
            place(own).into(),
            forecast.value_ms.into(),
            forecast.low_ms.into(),
            forecast.high_ms.into(),
            own.measured_ms.into(),
            if own.is_hit() { "yes" } else { "no" }.into(),
            own.evidence.label().into(),
            forecast.made_at.strftime("%Y-%m-%d %H:%M").to_string().into(),
            own.measured_at.strftime("%Y-%m-%d %H:%M").to_string().into(),
            forecast.support.label().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ForecastSupport, MadeForecast};
    use jiff::Timestamp;

    fn record() -> ForecastRecord {
        let judged = |nth: i64, value_ms: f64, measured_ms: f64| JudgedForecast {
            forecast: MadeForecast {
                made_at: Timestamp::from_second(nth).unwrap(),
                model: "a <b>".into(),
                hardware: "chip".into(),
                engine: "onnxruntime".into(),
                precision: "f32".into(),
                mode: "inference".into(),
                batch: Some(1),
                size: None,
                devices: None,
                threads: None,
                value_ms,
                low_ms: value_ms * 0.9,
                high_ms: value_ms * 1.2,
                support: ForecastSupport::Combination,
                learned_from: 40,
            },
            run: format!("run-{nth}").into(),
            evidence: Evidence::Measured,
            measured_ms,
            measured_at: Timestamp::from_second(nth * 86_400 * 20).unwrap(),
        };
        let judged = vec![judged(1, 10.0, 11.0), judged(2, 2.0, 4.0), judged(3, 5.0, 5.0)];
        ForecastRecord { judged, waiting: 1, other_sizes: 0 }
    }

    #[test]
    fn what_held_and_what_did_not_stand_apart_and_lead_to_their_results() {
        let figure = predicted_against_measured(&record(), Options::default()).unwrap();
        let trace = |name: &str| figure.data.iter().find(|trace| trace["name"] == name).unwrap();
        let inside = trace("Inside its interval");
        assert_eq!((&inside["x"], &inside["y"]), (&json!([11.0, 5.0]), &json!([10.0, 5.0])));
        assert_eq!((&inside["error_y"]["array"][0], &inside["customdata"][0]), (&json!(2.0), &json!("run-1")));
        assert_eq!(trace("Outside its interval")["x"], json!([4.0]));
        assert!(inside["hovertext"][0].as_str().unwrap().contains("a &lt;b&gt;"));
        assert!(inside["marker"]["symbol"].as_str().unwrap().contains("open"), "a prediction has an open symbol");
        assert_eq!(figure.table.rows.len(), 3);
        assert_eq!(figure.layout["xaxis"]["type"], "log");
    }

    #[test]
    fn months_are_told_with_how_sure_their_share_is() {
        let figure = coverage_by_month(&record(), Options::default()).unwrap();
        assert_eq!(
            (&figure.data[0]["x"], &figure.data[0]["y"]),
            (&json!(["1970-01", "1970-02", "1970-03"]), &json!([100.0, 0.0, 100.0]))
        );
        let up = figure.data[0]["error_y"]["array"][1].as_f64().unwrap();
        assert!((up - 79.35).abs() < 0.1, "Wilson's interval of none of one ends at 79 %: {up}");
        assert_eq!(figure.layout["shapes"][0]["y0"], 90.0);
    }

    #[test]
    fn without_results_there_is_nothing_to_draw() {
        let waiting = ForecastRecord { waiting: 3, ..ForecastRecord::default() };
        let lack = predicted_against_measured(&waiting, Options::default()).unwrap_err();
        assert_eq!(lack.0, "None of 3 predictions was measured yet.");
        assert!(coverage_by_month(&waiting, Options::default()).is_err());
    }

    #[test]
    fn thousands_are_drawn_in_part_and_kept_whole_in_the_data() {
        let mut many = record();
        many.judged = many.judged.iter().cycle().take(1500).cloned().collect();
        let figure = predicted_against_measured(&many, Options::default()).unwrap();
        let drawn: usize = figure.data[1..].iter().map(|trace| trace["x"].as_array().unwrap().len()).sum();
        assert_eq!((drawn, figure.table.rows.len()), (1000, 1500));
        assert!(figure.caption.contains("500"), "{}", figure.caption);
    }
}
