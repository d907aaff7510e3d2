//! Training against inference: the time of a step against that of a pass, of the same model in the same setting.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Evidence, Mode, RunRow};
use serde_json::json;
use std::collections::BTreeMap;

/// Pairs in one picture; more would hide each other and slow the window down.
const DRAWN: usize = 1000;

/// A pass and a step that differ in nothing else.
struct Pair<'a> {
    inference: &'a RunRow,
    training: &'a RunRow,
    /// Medians, in milliseconds.
    pass_ms: f64,
    step_ms: f64,
}

impl Pair<'_> {
    fn ratio(&self) -> f64 {
        self.step_ms / self.pass_ms
    }
}

pub fn figure(rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    let pairs = pairs(rows);
    if pairs.is_empty() {
        return Err(Lack(
            "No model was both trained and run in the same setting among these results. \
             Import measurements that hold both."
                .into(),
        ));
    }
    let theme = options.theme;
    let drawn = &pairs[..pairs.len().min(DRAWN)];
    let classes = series::classes(drawn.iter().map(|pair| pair.training));
    let mut groups: BTreeMap<(String, Evidence), Vec<&Pair>> = BTreeMap::new();
    for pair in drawn {
        groups.entry((series::class_of(pair.training), pair.training.evidence)).or_default().push(pair);
    }
    let ends = drawn.iter().flat_map(|pair| [pair.pass_ms, pair.step_ms]);
    let mut data = vec![layout::diagonal(theme, "The same time", ends)];
    for ((class, kind), points) in &groups {
        let index = series::index_of(&classes, class);
        data.push(json!({
            "type": "scatter",
            "mode": "markers",
            "name": series::legend(class, *kind),
            "x": points.iter().map(|pair| pair.pass_ms).collect::<Vec<_>>(),
            "y": points.iter().map(|pair| pair.step_ms).collect::<Vec<_>>(),
            "marker": evidence::point(*kind, index, theme.class(index), theme),
            "customdata": points.iter().map(|pair| pair.training.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points.iter().map(|pair| told(pair)).collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
    }
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            "xaxis": layout::log_axis(theme, "Inference: one pass (ms)"),
            "yaxis": layout::log_axis(theme, "Training: one step (ms)"),
            "height": 460,
        }),
    );
    Ok(Figure { data, layout, table: table(&pairs), caption: caption(&pairs, drawn.len()) })
}

/// The newest result of each setting in both modes, in the order of the rows.
fn pairs(rows: &[RunRow]) -> Vec<Pair<'_>> {
    let setting = |row: &RunRow| {
        let fed = (row.batch, row.size, row.dims.clone());
        (series::class_of(row), row.evidence, row.model.clone(), row.precision, fed, row.threads)
    };
    let timed = rows.iter().filter(|row| row.median_ms.is_some() && row.withheld.is_none()).collect();
    let kept = series::newest_of(timed, |row| (setting(row), row.mode));
    let (trained, others): (Vec<&RunRow>, Vec<&RunRow>) = kept.into_iter().partition(|row| row.mode == Mode::Training);
    let run: BTreeMap<_, &RunRow> =
        others.into_iter().filter(|row| row.mode == Mode::Inference).map(|row| (setting(row), row)).collect();
    trained
        .into_iter()
        .filter_map(|training| {
            let inference = *run.get(&setting(training))?;
            Some(Pair { inference, training, pass_ms: inference.median_ms?, step_ms: training.median_ms? })
        })
        .collect()
}

fn told(pair: &Pair) -> String {
    let figure = format!(
        "A step takes {} times a pass: {} and {}",
        format::significant(pair.ratio()),
        format::duration_ms(pair.step_ms),
        format::duration_ms(pair.pass_ms)
    );
    series::hover(pair.training, &figure)
}

fn table(pairs: &[Pair]) -> Table {
    let mut table =
        Table::new(&["setting", "engine and device", "evidence", "inference ms", "training ms", "times as long"]);
    for pair in pairs {
        table.rows.push(vec![
            series::setting_of(pair.inference).into(),
            series::class_of(pair.training).into(),
            pair.training.evidence.label().into(),
            pair.pass_ms.into(),
            pair.step_ms.into(),
            pair.ratio().into(),
        ]);
    }
    table
}

fn caption(pairs: &[Pair], drawn: usize) -> String {
    let mut ratios: Vec<f64> = pairs.iter().map(Pair::ratio).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let middle = format::significant(ratios[ratios.len() / 2]);
    let left_out = match pairs.len() - drawn {
        0 => String::new(),
        n => format!(" {} more pairs are in the data and not drawn.", format::count(n as u64)),
    };
    match pairs.len() {
        1 => format!("One pair: a step of training takes {middle} times a pass."),
        n => format!(
            "In the middle of {} pairs a step of training takes {middle} times a pass.{left_out}",
            format::count(n as u64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::imported;

    fn trained(row: RunRow) -> RunRow {
        RunRow { id: format!("{}-trained", row.id).into(), mode: Mode::Training, ..row }
    }

    #[test]
    fn a_step_stands_against_the_pass_of_its_own_setting() {
        let rows = [
            trained(imported("resnet", "pytorch", 8, 30.0)),
            imported("resnet", "pytorch", 8, 10.0),
            imported("resnet", "pytorch", 16, 18.0),
            trained(imported("vgg", "pytorch", 8, 90.0)),
        ];
        let figure = figure(&rows, Options::default()).unwrap();
        assert_eq!((&figure.data[1]["x"], &figure.data[1]["y"]), (&json!([10.0]), &json!([30.0])));
        assert_eq!(figure.data[1]["customdata"], json!(["resnet-pytorch-8-30-trained"]));
        assert!(figure.data[1]["marker"]["symbol"].as_str().unwrap().ends_with("-open"), "it was imported");
        assert_eq!(figure.caption, "One pair: a step of training takes 3 times a pass.");
        assert_eq!(figure.table.rows.len(), 1);
    }

    #[test]
    fn without_both_there_is_nothing_to_draw() {
        let rows = [trained(imported("resnet", "pytorch", 8, 30.0)), imported("vgg", "pytorch", 8, 10.0)];
        assert!(figure(&rows, Options::default()).is_err());
    }
}
