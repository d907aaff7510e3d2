//! What memory a model needs by arithmetic alone; learning corrects it.

use super::frame::Frame;
use crate::table::Measurement;

/// Logarithms of the megabytes that weights and activations take, for each row: all 0 where the costs of too many models
/// are unknown, so that rows stay comparable.
///
/// Weights take parameters × bytes of the precision; activations take their elements × batch × bytes, as if each were
/// kept, which training does and inference does not.
pub fn analytic(frame: &Frame, rows: &[&Measurement]) -> Vec<f64> {
    let logs: Vec<f64> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let bytes = bytes(&row.precision);
            let weights = frame.parameters[at].exp() * bytes;
            let samples = row.batch.unwrap_or(1.0) / row.devices.unwrap_or(1.0);
            let activations = frame.activations[at].exp() * bytes * samples;
            ((weights + if activations.is_nan() { 0.0 } else { activations }) / 1e6).ln()
        })
        .collect();
    if logs.iter().all(|log| log.is_finite()) { logs } else { vec![0.0; rows.len()] }
}

/// Bytes of one number in a precision, told from the digits in its name; 4 where there are none.
fn bytes(precision: &str) -> f64 {
    let digits: String =
        precision.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    match digits.as_str() {
        "64" => 8.0,
        "16" => 2.0,
        "8" => 1.0,
        "4" => 0.5,
        "2" => 0.25,
        "" if ["amp", "half"].contains(&precision.to_lowercase().as_str()) => 2.0,
        _ => 4.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_take_the_bytes_of_their_precision() {
        for (precision, expected) in
            [("fp32", 4.0), ("bf16", 2.0), ("w8a16", 1.0), ("int4", 0.5), ("float", 4.0), ("amp", 2.0)]
        {
            assert_eq!(bytes(precision), expected, "{precision}");
        }
    }

    #[test]
    fn weights_and_activations_add_up() {
        let row = Measurement {
            parameters: Some(2e6),
            activations: Some(1e6),
            batch: Some(3.0),
            precision: "fp16".into(),
            ..Measurement::default()
        };
        let log = analytic(&Frame::new(&[&row], &[]), &[&row])[0];
        assert!((log.exp() - 10.0).abs() < 1e-9, "{} MB", log.exp());
    }
}
