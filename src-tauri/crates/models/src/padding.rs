//! Padding: the end of a text that stands for nothing, masked out so that all texts of a batch are as long as the longest.

use crate::{Graph, ModelError, seed::Stream};
use contract::{MOST_PADDING, ModelInfo, PADDING};
use std::collections::BTreeMap;

/// The input that is 1 for each token of a text and 0 for its padding: `[texts, length]`.
pub const MASK: &str = "attention_mask";

/// Refuses a share that the model takes none of, or that no texts of these sizes can have.
pub fn check(info: &ModelInfo, graph: &Graph, percent: u32, dims: &BTreeMap<String, u64>) -> Result<(), ModelError> {
    let refuse = |reason: String| Err(ModelError::bad_size(PADDING, u64::from(percent), reason));
    let mask = graph.inputs.iter().find(|input| input.name == MASK).filter(|_| info.takes_padding());
    let Some(mask) = mask else {
        let reason = "this model takes no padding: it does not read texts alone with an attention mask. Leave it out";
        return refuse(reason.to_owned());
    };
    if percent > MOST_PADDING {
        return refuse(format!("at most {MOST_PADDING} % of the texts can be padding"));
    }
    let [texts, length] = mask.shape_for(dims)?[..] else { return Ok(()) };
    let most = u128::from(texts) * u128::from(length.saturating_sub(1));
    if (1..=most).contains(&total(percent.into(), [texts, length])) {
        return Ok(());
    }
    refuse(format!("texts of {length} tokens are too short to be cut so; choose longer ones, or another share"))
}

/// The share in percent that inputs of these sizes have; 0 where a size of the graph is called so.
pub fn percent(graph: &Graph, dims: &BTreeMap<String, u64>) -> u64 {
    let share = dims.get(PADDING).copied().unwrap_or_default();
    if share > 0 && graph.free_dimensions().iter().any(|name| name == PADDING) { 0 } else { share }
}

/// Tokens that are padding, of all texts together: the share to the nearest whole token.
fn total(percent: u64, [texts, length]: [u64; 2]) -> u128 {
    (u128::from(texts) * u128::from(length)).saturating_mul(u128::from(percent)).saturating_add(50) / 100
}

/// Tokens of a text that are none of its padding, the mean over so many texts of this length.
pub fn real_tokens(percent: u64, [texts, length]: [u64; 2]) -> f64 {
    length as f64 - total(percent, [texts, length]) as f64 / texts.max(1) as f64
}

/// How many tokens at the end of each text are padding.
///
/// All together they are the share asked for. How many fall on which text is drawn from the stream, and each text keeps
/// one token at least, for attention over nothing has no result. Of several texts the first is full, as the longest of a
/// batch is; where the others cannot hold so much, it has padding as well, as texts have that are all brought to one fixed
/// length.
fn of_texts(percent: u64, [texts, length]: [u64; 2], stream: Stream) -> Vec<u64> {
    let most = length.saturating_sub(1);
    let mut left = total(percent, [texts, length]).min(u128::from(texts) * u128::from(most)) as u64;
    let full = u64::from(texts > 1 && left <= (texts - 1) * most);
    let weight = |text: u64| 1 + stream.below(text, 100);
    let mut weights: u64 = (full..texts).map(weight).sum();
    let draw = |text: u64| {
        if text < full {
            return 0;
        }
        let own = weight(text);
        let others_hold = (texts - text - 1) * most;
        let taken = ((left * own + weights / 2) / weights).clamp(left.saturating_sub(others_hold), most.min(left));
        left -= taken;
        weights -= own;
        taken
    };
    (0..texts).map(draw).collect()
}

/// The mask of texts of which this share is padding, row by row.
pub fn mask(percent: u64, sizes: [u64; 2], stream: Stream) -> impl Iterator<Item = u64> {
    let [_, length] = sizes;
    let real = move |padding: u64| (0..length).map(move |place| u64::from(place + padding < length));
    of_texts(percent, sizes, stream).into_iter().flat_map(real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    fn drawn(percent: u64, texts: u64, length: u64, seed: u64) -> Vec<u64> {
        of_texts(percent, [texts, length], Stream::new(seed, MASK))
    }

    #[test]
    fn all_texts_together_have_the_share_asked_for_and_the_first_is_full() {
        for (percent, texts, length) in [(25, 4, 128), (50, 8, 33), (1, 3, 50), (40, 16, 7), (90, 64, 512)] {
            let padding = drawn(percent, texts, length, 7);
            let asked = (percent * texts * length + 50) / 100;
            assert_eq!(padding.iter().sum::<u64>(), asked, "{percent} % of {texts} × {length}");
            assert!(padding.iter().all(|tokens| *tokens < length), "{padding:?}");
            assert_eq!(padding[0], 0, "{padding:?}");
        }
        assert_eq!(drawn(25, 1, 128, 7), [32], "one text alone has all of it");
        assert_eq!(drawn(0, 3, 128, 7), [0, 0, 0]);
    }

    #[test]
    fn texts_differ_in_length_and_the_seed_alone_says_how() {
        let padding = drawn(25, 8, 128, 7);
        assert!(padding[1..].windows(2).any(|pair| pair[0] != pair[1]), "{padding:?}");
        assert_eq!(padding, drawn(25, 8, 128, 7));
        assert_ne!(padding, drawn(25, 8, 128, 8));
    }

    #[test]
    fn where_the_others_cannot_hold_all_of_it_the_first_has_padding_too() {
        let padding = drawn(90, 2, 100, 7);
        assert_eq!(padding.iter().sum::<u64>(), 180);
        assert!(padding.iter().all(|tokens| (81..100).contains(tokens)), "{padding:?}");
        assert_eq!(drawn(50, 2, 2, 7).iter().sum::<u64>(), 2, "one token of each is kept");
    }

    #[test]
    fn the_mask_hides_the_end_of_each_text() {
        let made: Vec<u64> = mask(50, [2, 4], Stream::new(7, MASK)).collect();
        let padding = drawn(50, 2, 4, 7);
        for (row, padding) in made.chunks(4).zip(padding) {
            let hidden = padding as usize;
            assert_eq!(row, [vec![1u64; 4 - hidden], vec![0; hidden]].concat());
        }
        assert!((real_tokens(50, [2, 4]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_share_that_cannot_be_is_refused_with_the_reason() {
        let bert = Model::preset(&"preset:bert-tiny".into()).unwrap();
        let asked = |model: &Model, percent: u32, length: u32| {
            let dims = BTreeMap::from([(PADDING.to_owned(), percent)]);
            model.dims_for(1, Some(length), &dims).map_err(|error| error.to_string())
        };
        assert_eq!(asked(&bert, 25, 16).unwrap()[PADDING], 25);
        assert!(!asked(&bert, 0, 16).unwrap().contains_key(PADDING), "none is left out");
        assert!(asked(&bert, 91, 16).unwrap_err().contains("at most 90 %"));
        for length in [1, 2] {
            assert!(asked(&bert, 90, length).unwrap_err().contains("too short"), "{length}");
        }
        let sees = Model::preset(&"preset:vit-base-patch16-224".into()).unwrap();
        assert!(asked(&sees, 25, 224).unwrap_err().contains("padding = 25: this model takes no padding"));
    }
}
