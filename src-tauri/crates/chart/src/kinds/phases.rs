//! The phase waterfall: what happens before a model can be measured, one row for each result.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Evidence, Phase, PhaseName, Run};
use serde_json::json;

/// In the order of their colours. How long warm-up and measuring take is chosen, not found, and would dwarf what is.
const DRAWN: [PhaseName; 7] = [
    PhaseName::Acquire,
    PhaseName::Start,
    PhaseName::Load,
    PhaseName::Compile,
    PhaseName::Check,
    PhaseName::First,
    PhaseName::Reference,
];

fn is_drawn(phase: PhaseName) -> bool {
    DRAWN.contains(&phase)
}

pub fn figure(runs: &[Run], options: Options) -> Result<Figure, Lack> {
    let runs: Vec<&Run> = runs.iter().filter(|run| run.phases.iter().any(|phase| is_drawn(phase.name))).collect();
    if runs.is_empty() {
        return Err(Lack("None of these results has phases: they are known only for what was measured here.".into()));
    }
    let theme = options.theme;
    let names = row_names(&runs);
    let mut table = Table::new(&["result", "phase", "starts at ms", "ms", "peak memory MB"]);
    let mut data = Vec::new();
    for (index, name) in DRAWN.into_iter().enumerate() {
        let spans: Vec<(usize, f64, &Phase)> = runs
            .iter()
            .enumerate()
            .flat_map(|(row, run)| {
                starts(run).filter(|(_, phase)| phase.name == name).map(move |(at, phase)| (row, at, phase))
            })
            .collect();
        if spans.is_empty() {
            continue;
        }
        data.push(json!({
            "type": "bar",
            "orientation": "h",
            "name": name.label(),
            "y": spans.iter().map(|(row, ..)| names[*row].clone()).collect::<Vec<_>>(),
            "x": spans.iter().map(|(.., phase)| phase.ms).collect::<Vec<_>>(),
            "base": spans.iter().map(|(_, at, _)| at).collect::<Vec<_>>(),
            "marker": evidence::bar(Evidence::Measured, theme.class(index), theme),
            "hovertext": spans
                .iter()
                .map(|(row, at, phase)| {
                    format!(
                        "<b>{}: {}</b><br>after {}<br>{}",
                        name.label(),
                        format::duration_ms(phase.ms),
                        format::duration_ms(*at),
                        series::escaped(&names[*row]),
                    )
                })
                .collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
    }
    for (row, run) in runs.iter().enumerate() {
        for (at, phase) in starts(run) {
            table.rows.push(vec![
                names[row].clone().into(),
                phase.name.label().into(),
                at.into(),
                phase.ms.into(),
                phase.peak_bytes.map(|bytes| bytes as f64 / 1e6).into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let mut time = layout::axis(theme, "Time since the start (ms)");
    layout::merge(&mut time, json!({ "rangemode": "tozero" }));
    layout::merge(
        &mut layout,
        json!({
            "barmode": "overlay",
            "xaxis": time,
            "yaxis": layout::names(theme, &names),
            "height": (150 + names.len() * 40).max(320),
        }),
    );
    let caption = "Warming up and measuring take as long as they are given, so they are in the table only.";
    Ok(Figure { data, layout, table, caption: caption.into() })
}

/// Each phase with the milliseconds before it.
fn starts(run: &Run) -> impl Iterator<Item = (f64, &Phase)> {
    run.phases.iter().scan(0.0, |clock, phase| {
        let at = *clock;
        *clock += phase.ms;
        Some((at, phase))
    })
}

/// A name for each run, numbered where two runs have the same setting.
pub fn row_names(runs: &[&Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        let setting = &run.setting;
        let size = setting.size.map(|size| series::size_of(size, run.model.size_unit));
        let fed: String = size.into_iter().chain(run.fed().further()).map(|word| format!(" · {word}")).collect();
        let name = format!(
            "{} · {} · {} · {} · batch {}{fed}",
            run.model.name,
            setting.engine.label(),
            setting.device,
            setting.precision.key(),
            setting.batch,
        );
        let same = names.iter().filter(|known| known.split(" #").next() == Some(name.as_str())).count();
        names.push(if same == 0 { name } else { format!("{name} #{}", same + 1) });
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::run;

    #[test]
    fn phases_draw_as_ever() {
        let figure = figure(&[run("bert", &[1.0])], Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn each_phase_starts_where_the_one_before_ended() {
        let run = run("bert", &[1.0]);
        let starts: Vec<f64> = starts(&run).map(|(at, _)| at).collect();
        assert_eq!(starts, [0.0, 40.0, 100.0, 250.0, 262.0]);
    }

    #[test]
    fn two_runs_of_one_setting_keep_their_own_rows() {
        let (one, other) = (run("bert", &[1.0]), run("bert", &[2.0]));
        let names = row_names(&[&one, &other]);
        assert_ne!(names[0], names[1]);
    }
}
