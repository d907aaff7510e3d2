//! What a lower precision costs: how far outputs lie from those in f32.

use crate::worker::Deviation;
use models::Tensor;

/// The worst figures over all outputs that have numbers of their own in f32; none where there are no such outputs.
///
/// `scores` names the output that scores the next word, `[…, vocabulary]`.
pub(crate) fn of(exact: &[Tensor], outputs: &[Tensor], scores: Option<&str>) -> Option<Deviation> {
    let pairs = exact.iter().filter(|wanted| wanted.element.is_float()).filter_map(|wanted| {
        let given = outputs.iter().find(|given| given.name == wanted.name && given.shape == wanted.shape)?;
        let (wanted_numbers, given_numbers) = (wanted.f64s(), given.f64s());
        let width = wanted.shape.last().copied().filter(|_| scores == Some(wanted.name.as_str()));
        Some(one(&wanted_numbers, &given_numbers, width))
    });
    pairs.fold(None, |worst, found| worse(worst, Some(found)))
}

pub(crate) fn worse(a: Option<Deviation>, b: Option<Deviation>) -> Option<Deviation> {
    let (Some(a), Some(b)) = (&a, &b) else { return a.or(b) };
    Some(Deviation {
        cosine: a.cosine.min(b.cosine),
        largest_difference: a.largest_difference.max(b.largest_difference),
        relative_difference: a.relative_difference.max(b.relative_difference),
        divergence_nats: [a.divergence_nats, b.divergence_nats].into_iter().flatten().reduce(f64::max),
    })
}

/// `width` is that of a row of scores.
fn one(exact: &[f64], given: &[f64], width: Option<usize>) -> Deviation {
    let finite = || exact.iter().zip(given).filter(|(a, b)| a.is_finite() && b.is_finite());
    let sum = |term: fn(f64, f64) -> f64| finite().map(|(a, b)| term(*a, *b)).sum::<f64>();
    let (dot, length_a, length_b) = (sum(|a, b| a * b), sum(|a, _| a * a), sum(|_, b| b * b));
    let lengths = (length_a * length_b).sqrt();
    let largest_difference = finite().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let scale = finite().map(|(a, _)| a.abs()).fold(0.0, f64::max);
    Deviation {
        // Two outputs of zeros point the same way; one of them alone points nowhere.
        cosine: if lengths > 0.0 { (dot / lengths).clamp(-1.0, 1.0) } else { f64::from(length_a == length_b) },
        largest_difference,
        relative_difference: largest_difference / if scale > 0.0 { scale } else { 1.0 },
        divergence_nats: width.filter(|width| *width > 0).map(|width| divergence(exact, given, width)),
    }
}

/// Mean over the rows of Σ p · ln(p / q), p and q being the softmax of a row in f32 and of the other.
fn divergence(exact: &[f64], given: &[f64], width: usize) -> f64 {
    let rows = exact.chunks_exact(width).zip(given.chunks_exact(width));
    let each = rows.map(|(exact, given)| {
        let (p, q) = (log_softmax(exact), log_softmax(given));
        p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).filter(|term| term.is_finite()).sum::<f64>().max(0.0)
    });
    let (sum, count) = each.fold((0.0, 0u64), |(sum, count), row| (sum + row, count + 1));
    sum / count.max(1) as f64
}

fn log_softmax(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum = row.iter().map(|score| (score - largest).exp()).sum::<f64>().ln();
    row.iter().map(|score| score - largest - sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scored(values: &[f32]) -> [Tensor; 1] {
        [Tensor::from_f32s("logits", &[values.len() / 2, 2], values)]
    }

    proptest! {
        #[test]
        fn the_same_outputs_have_no_error(values in prop::collection::vec(-9f32..9.0, 2..40)) {
            let even = &values[..values.len() / 2 * 2];
            let found = of(&scored(even), &scored(even), Some("logits")).unwrap();
            prop_assert!((found.cosine - 1.0).abs() < 1e-12);
            prop_assert_eq!((found.largest_difference, found.divergence_nats), (0.0, Some(0.0)));
        }

        #[test]
        fn a_longer_output_has_the_same_direction(values in prop::collection::vec(1f32..9.0, 2..40), by in 1.5f32..4.0) {
            let longer: Vec<f32> = values.iter().map(|value| value * by).collect();
            let found = one(&wide(&values), &wide(&longer), None);
            prop_assert!((found.cosine - 1.0).abs() < 1e-6);
            prop_assert!((found.relative_difference - f64::from(by - 1.0)).abs() < 1e-5);
        }
    }

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|value| f64::from(*value)).collect()
    }

    #[test]
    fn the_divergence_is_that_of_two_known_distributions() {
        // Softmax of [ln 3, 0] is [0.75, 0.25], of [0, 0] is [0.5, 0.5]; the second row is the same in both.
        let exact = scored(&[3f32.ln(), 0.0, 1.0, 1.0]);
        let found = of(&exact, &scored(&[0.0, 0.0, 1.0, 1.0]), Some("logits")).unwrap();
        let first = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        assert!((found.divergence_nats.unwrap() - first / 2.0).abs() < 1e-6);
        assert_eq!(of(&exact, &exact, None).unwrap().divergence_nats, None);
    }

    #[test]
    fn opposite_and_vanished_outputs_are_told() {
        assert_eq!(one(&[1.0, -2.0], &[-1.0, 2.0], None).cosine, -1.0);
        assert_eq!(one(&[1.0, -2.0], &[0.0, 0.0], None).cosine, 0.0);
        assert_eq!(one(&[0.0], &[0.0], None).cosine, 1.0);
    }

    #[test]
    fn the_worst_of_several_outputs_stands() {
        let tensors = |x: f32, y: f32| [Tensor::from_f32s("x", &[1], &[x]), Tensor::from_f32s("y", &[1], &[y])];
        let found = of(&tensors(1.0, 10.0), &tensors(1.5, 10.0), None).unwrap();
        assert_eq!((found.largest_difference, found.relative_difference), (0.5, 0.5));
    }
}
