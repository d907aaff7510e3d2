//! Whether two engines gave the same outputs.

use crate::worker::Comparison;
use models::Tensor;

/// The output that differs most, and what makes the outputs wrong whatever the tolerance.
pub(crate) fn compare(reference: &[Tensor], outputs: &[Tensor]) -> (Option<Comparison>, Option<String>) {
    let mut worst = None;
    let mut fault = not_finite(outputs);
    for wanted in reference {
        let Some(given) = outputs.iter().find(|output| output.name == wanted.name) else {
            fault.get_or_insert_with(|| format!("the output {} is missing", wanted.name));
            continue;
        };
        if given.shape != wanted.shape {
            let sentence =
                || format!("{} has the shape {:?}, it should have {:?}", wanted.name, given.shape, wanted.shape);
            fault.get_or_insert_with(sentence);
            continue;
        }
        let largest_difference = relative_difference(&wanted.f64s(), &given.f64s());
        worst = worse(worst, Some(Comparison { output: wanted.name.clone(), largest_difference }));
    }
    (worst, fault)
}

/// Outputs with one number for each token, `[texts, tokens]`, which by its shape could be one vector for each text.
const NUMBERS_OF_TOKENS: [&str; 2] = ["start_logits", "end_logits"];

/// What the outputs say of real tokens: `[texts, tokens, …]` becomes `[real tokens, …]`; `mask` is the attention mask of
/// the call, where its texts have padding.
///
/// Nobody reads what stands at padding. Where padding sees nothing but padding, as beyond the reach of a layer, it also
/// follows from how an engine rounds, and no engine is wrong there.
pub(crate) fn of_real_tokens(mut outputs: Vec<Tensor>, mask: Option<&Tensor>) -> Vec<Tensor> {
    let Some(mask) = mask else { return outputs };
    let real: Vec<bool> = mask.i64s().into_iter().map(|token| token != 0).collect();
    let is_of_tokens = |output: &&mut Tensor| {
        let is_for_each = output.shape.len() > 2 || NUMBERS_OF_TOKENS.contains(&output.name.as_str());
        is_for_each && output.shape.starts_with(&mask.shape)
    };
    for output in outputs.iter_mut().filter(is_of_tokens) {
        let each = (output.bytes.len() / real.len().max(1)).max(1);
        let kept = output.bytes.chunks(each).zip(&real).filter(|(_, real)| **real);
        output.bytes = kept.flat_map(|(bytes, _)| bytes).copied().collect();
        output.shape.splice(..2, [real.iter().filter(|real| **real).count()]);
    }
    outputs
}

/// A sentence about the first output that holds NaN or infinity.
pub(crate) fn not_finite(outputs: &[Tensor]) -> Option<String> {
    outputs.iter().find_map(|output| {
        let values = output.f64s();
        let nan = values.iter().filter(|x| x.is_nan()).count();
        let infinite = values.iter().filter(|x| x.is_infinite()).count();
        let of = format!("of the {} values of {}", values.len(), output.name);
        match (nan, infinite) {
            (0, 0) => None,
            (nan, 0) => Some(format!("{nan} {of} are not a number")),
            (0, infinite) => Some(format!("{infinite} {of} are infinite")),
            (nan, infinite) => Some(format!("{nan} {of} are not a number and {infinite} are infinite")),
        }
    })
}

pub(crate) fn worse(a: Option<Comparison>, b: Option<Comparison>) -> Option<Comparison> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.largest_difference > a.largest_difference { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The largest absolute difference over the largest reference value, finite values only; over 1 where that is zero.
fn relative_difference(reference: &[f64], given: &[f64]) -> f64 {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.filter(|x| x.is_finite()).fold(0.0, f64::max);
    let scale = largest(&mut reference.iter().map(|x| x.abs()));
    let difference = largest(&mut reference.iter().zip(given).map(|(a, b)| (a - b).abs()));
    difference / if scale > 0.0 { scale } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tensor(name: &str, values: &[f32]) -> Tensor {
        Tensor::from_f32s(name, &[values.len()], values)
    }

    proptest! {
        #[test]
        fn an_output_agrees_with_itself(values in prop::collection::vec(-1e3f32..1e3, 1..50)) {
            let output = [tensor("y", &values)];
            let (comparison, fault) = compare(&output, &output);
            prop_assert_eq!(comparison.unwrap().largest_difference, 0.0);
            prop_assert_eq!(fault, None);
        }

        #[test]
        fn one_changed_value_is_found(mut values in prop::collection::vec(-1f32..1.0, 1..50), at: prop::sample::Index) {
            let reference = [tensor("x", &[1.0]), tensor("y", &values)];
            let at = at.index(values.len());
            values[at] += 3.0;
            let (comparison, _) = compare(&reference, &[tensor("y", &values), tensor("x", &[1.0])]);
            let comparison = comparison.unwrap();
            prop_assert_eq!(comparison.output, "y");
            prop_assert!(comparison.largest_difference >= 2.99);
        }
    }

    #[test]
    fn a_difference_is_relative_to_the_largest_value() {
        let (comparison, _) = compare(&[tensor("y", &[100.0, 1.0])], &[tensor("y", &[100.0, 2.0])]);
        assert_eq!(comparison.unwrap().largest_difference, 0.01);
    }

    #[test]
    fn nan_and_infinity_are_faults() {
        let (_, fault) = compare(&[tensor("y", &[1.0, 2.0])], &[tensor("y", &[f32::NAN, 2.0])]);
        assert_eq!(fault.unwrap(), "1 of the 2 values of y are not a number");
        assert_eq!(not_finite(&[tensor("y", &[f32::INFINITY])]).unwrap(), "1 of the 1 values of y are infinite");
    }

    #[test]
    fn what_stands_at_padding_is_not_compared() {
        let mask = Tensor::from_i64s("attention_mask", &[2, 2], &[1, 1, 1, 0]);
        let outputs = |last: f32| {
            let hidden = Tensor::from_f32s("hidden", &[2, 2, 1], &[1.0, 2.0, 3.0, last]);
            let pooled = Tensor::from_f32s("pooled", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
            vec![hidden, pooled, Tensor::from_f32s("end_logits", &[2, 2], &[1.0, 2.0, 3.0, last])]
        };
        let [one, other] = [4.0, f32::NAN].map(|last| of_real_tokens(outputs(last), Some(&mask)));
        assert_eq!(one, other);
        assert_eq!((one[0].shape.as_slice(), one[0].f32s()), (&[3, 1][..], vec![1.0, 2.0, 3.0]));
        assert_eq!(one[1], outputs(4.0)[1], "one vector for each text has no place for padding");
        assert_eq!((one[2].shape.as_slice(), one[2].f32s()), (&[3][..], vec![1.0, 2.0, 3.0]));
        assert_eq!(of_real_tokens(outputs(4.0), None), outputs(4.0));
    }

    #[test]
    fn a_missing_output_and_another_shape_are_faults() {
        let reference = [tensor("y", &[1.0, 2.0])];
        assert_eq!(compare(&reference, &[]).1.unwrap(), "the output y is missing");
        let (comparison, fault) = compare(&reference, &[tensor("y", &[1.0])]);
        assert_eq!((comparison, fault.unwrap().as_str()), (None, "y has the shape [1], it should have [2]"));
    }

    #[test]
    fn zeros_agree_with_zeros_only() {
        assert_eq!(relative_difference(&[0.0], &[0.0]), 0.0);
        assert_eq!(relative_difference(&[0.0], &[0.5]), 0.5);
    }
}
