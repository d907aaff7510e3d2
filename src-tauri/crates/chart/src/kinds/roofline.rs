//! The roofline (Williams, Waterman and Patterson, 2009): rate against arithmetic intensity under the measured peaks.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{DeviceId, Evidence, Peak, PeakKind, RunRow};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tell the roofs of one device apart: its fastest is solid.
const DASHES: [&str; 5] = ["solid", "dash", "dot", "dashdot", "longdash"];

pub fn figure(rows: &[RunRow], peaks: &[Peak], options: Options) -> Result<Figure, Lack> {
    let theme = options.theme;
    let (kept, _) = series::newest(rows.iter().filter(|row| Point::of(row).is_some()).collect());
    let devices = devices(peaks);
    if devices.is_empty() && kept.is_empty() {
        return Err(Lack(
            "A roofline needs the peaks of a device (This machine, Measure this machine) or a result whose \
             multiply-accumulates are known."
                .into(),
        ));
    }
    let mut table = Table::new(&["what", "evidence", "FLOP per byte", "FLOP/s", "share of the roof"]);
    let mut data: Vec<Value> = Vec::new();
    let intensities: Vec<f64> = kept.iter().filter_map(|row| Point::of(row)).map(|point| point.intensity).collect();
    let span = span(&devices, &intensities);
    for (index, roof) in devices.values().enumerate() {
        for (nth, (name, rate)) in roof.rates.iter().enumerate() {
            data.push(roof.line(name, *rate, span, theme.class(index), DASHES[nth % DASHES.len()]));
            table.rows.push(vec![
                format!("{}: {name}", roof.device).into(),
                Evidence::Measured.label().into(),
                (rate / roof.bandwidth).into(),
                (*rate).into(),
                1.0.into(),
            ]);
        }
    }
    let classes = series::classes(kept.iter().copied());
    let mut groups: BTreeMap<(String, Evidence), Vec<(&RunRow, Point)>> = BTreeMap::new();
    for row in kept {
        if let Some(point) = Point::of(row) {
            groups.entry((series::class_of(row), row.evidence)).or_default().push((row, point));
        }
    }
    for ((class, kind), points) in &groups {
        let index = series::index_of(&classes, class);
        let share =
            |row: &RunRow, point: &Point| devices.get(&row.device).map(|roof| point.rate / roof.at(point.intensity));
        let told = |row: &RunRow, point: &Point| {
            let share =
                share(row, point).map(|share| format!(", {} % of the roof", format::significant(share * 100.0)));
            format!("{}{}", format::rate(point.rate), share.unwrap_or_default())
        };
        data.push(json!({
            "type": "scatter",
            "mode": "markers",
            "name": series::legend(class, *kind),
            "x": points.iter().map(|(_, point)| point.intensity).collect::<Vec<_>>(),
            "y": points.iter().map(|(_, point)| point.rate).collect::<Vec<_>>(),
            "marker": evidence::point(*kind, index, theme.class(index), theme),
            "customdata": points.iter().map(|(row, _)| row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points.iter().map(|(row, point)| series::hover(row, &told(row, point))).collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        for (row, point) in points {
            table.rows.push(vec![
                format!("{} on {class}", series::setting_of(row)).into(),
                kind.label().into(),
                point.intensity.into(),
                point.rate.into(),
                share(row, point).into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let log = |title: &str| {
        let mut axis = layout::axis(theme, title);
        layout::merge(&mut axis, json!({ "type": "log", "exponentformat": "SI", "dtick": 1 }));
        axis
    };
    layout::merge(
        &mut layout,
        json!({ "xaxis": log("Arithmetic intensity (FLOP per byte)"), "yaxis": log("Rate (FLOP/s)"), "height": 520 }),
    );
    let caption = match devices.is_empty() {
        true => "No roof is drawn: the peaks of this machine are not measured yet. ",
        false => "Roofs are measured peaks of this machine. ",
    };
    let caption = format!(
        "{caption}A point's bytes are its weights once and its intermediate results written and read once; caches, and experts that no token chose, make the true traffic smaller."
    );
    Ok(Figure { data, layout, table, caption })
}

/// A result on the roofline's axes.
struct Point {
    /// Operations for each byte moved.
    intensity: f64,
    /// Operations per second; a multiply-accumulate counts as two.
    rate: f64,
}

impl Point {
    fn of(row: &RunRow) -> Option<Self> {
        let batch = f64::from(row.batch);
        let operations = 2.0 * row.macs? as f64 * batch;
        let element = f64::from(row.effective_precision.unwrap_or(row.precision).bits()) / 8.0;
        let bytes = row.weight_bytes? as f64 + 2.0 * row.activations? as f64 * batch * element;
        let secs = row.median_ms? / 1000.0;
        (operations > 0.0 && bytes > 0.0 && secs > 0.0)
            .then(|| Self { intensity: operations / bytes, rate: operations / secs })
    }
}

/// The ceilings of one device.
struct Roof {
    device: String,
    bandwidth: f64,
    /// Name and operations per second, fastest first.
    rates: Vec<(String, f64)>,
}

impl Roof {
    /// The highest rate possible at an intensity.
    fn at(&self, intensity: f64) -> f64 {
        let flat = self.rates.first().map_or(f64::INFINITY, |(_, rate)| *rate);
        (intensity * self.bandwidth).min(flat)
    }

    fn line(&self, name: &str, rate: f64, (from, to): (f64, f64), colour: &str, dash: &str) -> Value {
        let ridge = rate / self.bandwidth;
        json!({
            "type": "scatter",
            "mode": "lines",
            "name": series::escaped(&format!("{} · {name}", self.device)),
            "x": [from.min(ridge), ridge, to.max(ridge)],
            "y": [from.min(ridge) * self.bandwidth, rate, rate],
            "line": { "color": colour, "width": 2, "dash": dash },
            "hovertext": format!(
                "<b>{}</b><br>{name}: {}<br>memory: {}",
                series::escaped(&self.device),
                format::rate(rate),
                format::bandwidth(self.bandwidth),
            ),
            "hoverinfo": "text",
        })
    }
}

/// Devices with both a bandwidth and a rate. Where a peak was measured several times the best counts: it is a ceiling.
fn devices(peaks: &[Peak]) -> BTreeMap<DeviceId, Roof> {
    let mut roofs: BTreeMap<DeviceId, Roof> = BTreeMap::new();
    for peak in peaks.iter().filter(|peak| peak.kind == PeakKind::MemoryBandwidth) {
        let roof = roofs.entry(peak.device.clone()).or_insert_with(|| Roof {
            device: peak.device_name.clone(),
            bandwidth: 0.0,
            rates: Vec::new(),
        });
        roof.bandwidth = roof.bandwidth.max(peak.best);
    }
    for peak in peaks.iter().filter(|peak| peak.kind == PeakKind::MatrixRate) {
        if let Some(roof) = roofs.get_mut(&peak.device) {
            let threads = match peak.threads {
                Some(1) => ", one thread".to_owned(),
                Some(threads) => format!(", {threads} threads"),
                None => String::new(),
            };
            let precision = peak.precision.map_or("matrix product", |precision| precision.key());
            roof.rates.push((format!("{precision}{threads}"), peak.best));
        }
    }
    roofs.retain(|_, roof| roof.bandwidth > 0.0 && !roof.rates.is_empty());
    for roof in roofs.values_mut() {
        roof.rates.sort_by(|one, other| other.1.total_cmp(&one.1));
    }
    roofs
}

/// The intensities a picture spans: every ridge and every point, with room on both sides.
fn span(devices: &BTreeMap<DeviceId, Roof>, intensities: &[f64]) -> (f64, f64) {
    let ridges = devices.values().flat_map(|roof| roof.rates.iter().map(|(_, rate)| rate / roof.bandwidth));
    let all: Vec<f64> = ridges.chain(intensities.iter().copied()).collect();
    let low = all.iter().copied().fold(f64::INFINITY, f64::min);
    let high = all.iter().copied().fold(0.0, f64::max);
    if all.is_empty() { (0.1, 1000.0) } else { (low / 10.0, high * 10.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{measured, peak};

    fn peaks() -> Vec<Peak> {
        vec![
            peak(PeakKind::MemoryBandwidth, None, 2e10),
            peak(PeakKind::MatrixRate, Some(contract::Precision::F32), 1e11),
        ]
    }

    #[test]
    fn roofline_draws_as_ever() {
        let rows = [measured("bert", "onnxruntime", 1, 100.0)];
        let figure = figure(&rows, &peaks(), Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn under_the_slope_memory_limits_and_beyond_the_ridge_the_rate_does() {
        let devices = devices(&peaks());
        let roof = devices.values().next().unwrap();
        assert_eq!(roof.at(1.0), 2e10);
        assert_eq!(roof.at(5.0), 1e11);
        assert_eq!(roof.at(50.0), 1e11);
    }

    #[test]
    fn a_point_counts_two_operations_for_a_multiply_accumulate() {
        let mut row = measured("bert", "onnxruntime", 2, 100.0);
        (row.macs, row.weight_bytes, row.activations) = (Some(1000), Some(400), Some(100));
        let point = Point::of(&row).unwrap();
        assert_eq!(point.rate, 4000.0 / 0.1);
        assert_eq!(point.intensity, 4000.0 / (400.0 + 2.0 * 100.0 * 2.0 * 4.0));
    }

    #[test]
    fn without_peaks_and_points_it_says_what_is_needed() {
        assert!(figure(&[], &[], Options::default()).unwrap_err().0.contains("Measure this machine"));
    }
}
