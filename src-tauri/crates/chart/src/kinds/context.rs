//! How the time per token of generated text grows with what stands before it: a line for each result, with a band.

use super::phases::row_names;
use crate::{Figure, Lack, Options, Table, format, layout, series};
use contract::{Generated, Run};
use serde_json::{Value, json};

/// Places that are marked one by one; more would run into each other.
const MARKED: usize = 64;

pub fn figure(runs: &[Run], options: Options) -> Result<Figure, Lack> {
    let lines: Vec<(&Run, Vec<Place>)> =
        runs.iter().map(|run| (run, places(run))).filter(|(_, places)| !places.is_empty()).collect();
    if lines.is_empty() {
        return Err(Lack(
            "None of these results has the time of each token: it is kept for text that was generated here. \
             Launch a measurement in the mode Generation to draw it."
                .into(),
        ));
    }
    let theme = options.theme;
    let names = row_names(&lines.iter().map(|(run, _)| *run).collect::<Vec<_>>());
    let columns = ["result", "context", "token", "texts", "median ms", "lower quartile ms", "upper quartile ms"];
    let mut table = Table::new(&columns);
    let mut data = Vec::new();
    for (index, ((run, places), name)) in lines.iter().zip(&names).enumerate() {
        let colour = theme.class(index);
        data.push(band(places, colour));
        data.push(json!({
            "type": "scatter",
            "mode": if places.len() > MARKED { "lines" } else { "lines+markers" },
            "name": series::legend(name, run.evidence),
            "x": places.iter().map(|place| place.context).collect::<Vec<_>>(),
            "y": places.iter().map(|place| place.median_ms).collect::<Vec<_>>(),
            "line": { "color": colour, "width": 2 },
            "marker": { "color": colour, "size": 5 },
            "customdata": vec![run.id.0.clone(); places.len()],
            "hovertext": places.iter().map(|place| place.said(name)).collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        for place in places {
            table.rows.push(vec![
                name.clone().into(),
                f64::from(place.context).into(),
                f64::from(place.token).into(),
                (place.texts as f64).into(),
                place.median_ms.into(),
                place.lower_ms.into(),
                place.upper_ms.into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let mut times = layout::axis(theme, "Time per token (ms)");
    layout::merge(&mut times, json!({ "rangemode": "tozero" }));
    layout::merge(
        &mut layout,
        json!({
            "showlegend": lines.len() > 1,
            "xaxis": layout::axis(theme, "Context: the prompt and what is written"),
            "yaxis": times,
            "height": 440,
        }),
    );
    let caption = "Each line is the median over the texts of a result, its band their middle half. The first token, \
                   for which the whole prompt is read, is left out.";
    Ok(Figure { data, layout, table, caption: caption.into() })
}

/// The times of one token in all texts of a result.
struct Place {
    /// What stands before it: the tokens of the prompt, or the frames of one that is sound, and the tokens written.
    context: u32,
    /// Which of the written tokens it is, counted from 1.
    token: u32,
    texts: usize,
    lower_ms: f64,
    median_ms: f64,
    upper_ms: f64,
}

impl Place {
    fn said(&self, name: &str) -> String {
        let texts = format::count(self.texts as u64);
        format!(
            "<b>{}</b><br>token {} of the text, after a prompt of {}<br>middle half {} to {}<br>{texts} {}<br>{}",
            format::duration_ms(self.median_ms),
            format::count(self.token.into()),
            format::count((self.context - (self.token - 1)).into()),
            format::duration_ms(self.lower_ms),
            format::duration_ms(self.upper_ms),
            if self.texts == 1 { "text" } else { "texts" },
            series::escaped(name),
        )
    }
}

/// Every token after the first, whose time is that of reading the prompt.
fn places(run: &Run) -> Vec<Place> {
    let Some(Generated { texts_ms, .. }) = &run.generated else { return Vec::new() };
    let longest = texts_ms.iter().map(Vec::len).max().unwrap_or_default();
    let prompt = run.setting.size.unwrap_or_default();
    let place = |written: usize| {
        let mut times: Vec<f64> = texts_ms.iter().filter_map(|text| text.get(written).copied()).collect();
        times.sort_unstable_by(f64::total_cmp);
        let [lower_ms, median_ms, upper_ms] = [0.25, 0.5, 0.75].map(|p| quantile(&times, p));
        let written = written as u32;
        let (context, token) = (prompt.saturating_add(written), written + 1);
        Place { context, token, texts: times.len(), lower_ms, median_ms, upper_ms }
    };
    (1..longest).map(place).collect()
}

/// Of sorted times, at least one, by linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// From the lower to the upper quartile of each place: along the upper ones and back along the lower ones.
fn band(places: &[Place], colour: &str) -> Value {
    let along = places.iter().map(|place| (place.context, place.upper_ms));
    let back = places.iter().rev().map(|place| (place.context, place.lower_ms));
    let (x, y): (Vec<u32>, Vec<f64>) = along.chain(back).unzip();
    json!({
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "fill": "toself",
        "fillcolor": format!("{colour}33"),
        "line": { "width": 0 },
        "showlegend": false,
        "hoverinfo": "skip",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, fixtures::run};
    use contract::{MedianTime, Mode};

    /// A prompt of 100 tokens, and what was written to it.
    fn writing(model: &str, texts_ms: &[&[f64]]) -> Run {
        let mut run = run(model, &[]);
        let none = MedianTime { ms: 0.0, low_ms: 0.0, high_ms: 0.0 };
        (run.setting.mode, run.setting.size) = (Mode::Generation, Some(100));
        run.generated = Some(Generated {
            output_tokens: texts_ms.first().map_or(0, |text| text.len() as u32),
            first_token: none,
            token: none,
            tokens_per_s: 0.0,
            full_pass_difference: None,
            texts_ms: texts_ms.iter().map(|text| text.to_vec()).collect(),
        });
        run
    }

    #[test]
    fn a_line_is_the_median_over_the_texts_and_its_band_the_middle_half() {
        let texts: [&[f64]; 3] = [&[50.0, 2.0, 4.0], &[51.0, 1.0, 5.0], &[52.0, 3.0, 9.0]];
        let figure = figure(&[writing("gpt2", &texts)], Options::default()).unwrap();
        let [band, line] = &figure.data[..] else { panic!("{:?}", figure.data) };
        assert_eq!((&line["x"], &line["y"]), (&json!([101, 102]), &json!([2.0, 5.0])), "the first token is left out");
        assert_eq!((&band["x"], &band["y"]), (&json!([101, 102, 102, 101]), &json!([2.5, 7.0, 4.5, 1.5])));
        let second = [101.0, 2.0, 3.0, 2.0, 1.5, 2.5].map(Cell::Number);
        assert_eq!(figure.table.rows[0][1..], second);
        assert_eq!((figure.table.rows.len(), figure.table.columns.len()), (2, 7));
        let said = line["hovertext"][1].as_str().unwrap();
        assert!(said.contains("token 3 of the text, after a prompt of 100<br>"), "{said}");
        assert!(said.contains("<br>3 texts<br>"), "{said}");
        assert_eq!(figure.layout["showlegend"], false);
    }

    #[test]
    fn results_of_several_prompts_lie_side_by_side_over_the_same_context() {
        let mut long = writing("gpt2", &[&[90.0, 3.0, 3.0]]);
        long.setting.size = Some(200);
        let figure = figure(&[writing("gpt2", &[&[50.0, 2.0, 2.0]]), long], Options::default()).unwrap();
        let lines: Vec<&Value> = figure.data.iter().filter(|trace| trace["showlegend"].is_null()).collect();
        assert_eq!([&lines[0]["x"], &lines[1]["x"]], [&json!([101, 102]), &json!([201, 202])]);
        let said = lines[1]["hovertext"][1].as_str().unwrap();
        assert!(said.contains("a prompt of 200<br>") && said.contains("<br>1 text<br>"), "{said}");
        assert_ne!((&lines[0]["name"], &lines[0]["line"]), (&lines[1]["name"], &lines[1]["line"]));
    }

    #[test]
    fn what_wrote_no_text_has_no_line_and_alone_says_so() {
        let lack = figure(&[run("bert", &[1.0]), writing("gpt2", &[&[50.0]])], Options::default()).unwrap_err();
        assert!(lack.0.contains("mode Generation"), "{}", lack.0);
        let drawn = figure(&[run("bert", &[1.0]), writing("gpt2", &[&[50.0, 2.0]])], Options::default()).unwrap();
        assert_eq!(drawn.data.len(), 2);
    }
}
