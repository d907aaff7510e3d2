//! Attention masks as numbers to be added to the scores: 0 where a position is seen, the lowest number where it is not.
//!
//! A relative bias, such as one that grows with the distance between two positions, is added to the mask.

use crate::{
    Element,
    builder::{GraphBuilder, Var},
};

/// Where queries and keys stand in the whole sequence, counted from 0.
#[derive(Clone, Debug)]
pub struct Places {
    /// `[query]`.
    pub queries: Var,
    /// `[key]`.
    pub keys: Var,
}

impl Places {
    /// Of a sequence that attends to itself; its length is a vector of one number.
    pub fn new(b: &mut GraphBuilder, length: &Var) -> Self {
        let keys = b.count_up(length);
        Self { queries: keys.clone(), keys }
    }

    /// Of a sequence that comes after `past` tokens, both lengths being vectors of one number.
    pub fn after(b: &mut GraphBuilder, past: &Var, length: &Var) -> Self {
        let all = b.add(past, length);
        let keys = b.count_up(&all);
        let (first, end) = (b.squeeze(past, 0), b.squeeze(&all, 0));
        Self { queries: b.range(&first, &end), keys }
    }

    /// Keys in a row and queries in a column, so that each pair meets: `[1, key]` and `[query, 1]`.
    pub fn crossed(&self, b: &mut GraphBuilder) -> (Var, Var) {
        (b.unsqueeze(&self.keys, 0), b.unsqueeze(&self.queries, 1))
    }
}

/// Of an attention mask `[batch, sequence]` of ones and zeros: `[batch, 1, 1, sequence]`.
pub fn padding_mask(b: &mut GraphBuilder, attention_mask: &Var) -> Var {
    let mask = b.unsqueeze(attention_mask, 1);
    let mask = b.unsqueeze(&mask, 2);
    let mask = b.cast_float(&mask);
    let (one, lowest) = (b.scalar(1.0), lowest(b));
    let hidden = b.sub(&one, &mask);
    b.mul(&hidden, &lowest)
}

/// The same for a relative bias to be added to: the lowest number is chosen rather than multiplied.
///
/// OpenVINO knows the bias beforehand where lengths are fixed, and adds it to the number that is multiplied: beside one so
/// large nothing is left of it.
pub fn padding_mask_under_bias(b: &mut GraphBuilder, attention_mask: &Var) -> Var {
    let real = real_keys(b, attention_mask);
    of_seen(b, &real)
}

/// Each token sees those up to `reach` places away on either side, unless that is padding: `[batch, 1, query, key]`.
pub fn near_mask(b: &mut GraphBuilder, attention_mask: &Var, places: &Places, reach: usize) -> Var {
    let (keys, queries) = places.crossed(b);
    let distance = b.sub(&queries, &keys);
    let distance = b.unary("Abs", &distance);
    let reach = b.int(reach as i64);
    let near = b.less_or_equal(&distance, &reach);
    let real = real_keys(b, attention_mask);
    let seen = b.both(&near, &real);
    of_seen(b, &seen)
}

/// Only real tokens see and are seen: of an attention mask `[batch, sequence]`, `[batch, 1, query, key]`.
pub fn pair_mask(b: &mut GraphBuilder, attention_mask: &Var) -> Var {
    let real = b.cast(attention_mask, Element::Bool);
    let real = b.unsqueeze(&real, 1);
    let (keys, queries) = (b.unsqueeze(&real, 1), b.unsqueeze(&real, 3));
    let seen = b.both(&keys, &queries);
    of_seen(b, &seen)
}

/// Each position sees itself and what came before, unless that is padding: `[batch, 1, query, key]`.
///
/// `attention_mask` is `[batch, key]`. With a window a position sees only so many positions, itself being one of them.
pub fn causal_mask(b: &mut GraphBuilder, attention_mask: &Var, places: &Places, window: Option<usize>) -> Var {
    let (keys, queries) = places.crossed(b);
    let mut seen = b.less_or_equal(&keys, &queries);
    if let Some(window) = window {
        let reach = b.int(window as i64);
        let too_far = b.sub(&queries, &reach);
        let near = b.less(&too_far, &keys);
        seen = b.both(&seen, &near);
    }
    let real = real_keys(b, attention_mask);
    let seen = b.both(&seen, &real);
    of_seen(b, &seen)
}

/// Each position sees itself and what came before, in texts without padding: `[query, key]`.
pub fn order_mask(b: &mut GraphBuilder, places: &Places) -> Var {
    let (keys, queries) = places.crossed(b);
    let seen = b.less_or_equal(&keys, &queries);
    of_seen(b, &seen)
}

/// Which keys are no padding: `[batch, 1, 1, key]`.
fn real_keys(b: &mut GraphBuilder, attention_mask: &Var) -> Var {
    let real = b.cast(attention_mask, Element::Bool);
    let real = b.unsqueeze(&real, 1);
    b.unsqueeze(&real, 1)
}

/// The mask of what is seen and what is not.
fn of_seen(b: &mut GraphBuilder, seen: &Var) -> Var {
    let (zero, lowest) = (b.scalar(0.0), lowest(b));
    b.choose(seen, &zero, &lowest)
}

/// The most negative number of the activations' element.
fn lowest(b: &mut GraphBuilder) -> Var {
    let value = match b.float() {
        Element::F16 => half::f16::MIN.to_f64(),
        Element::Bf16 => half::bf16::MIN.to_f64(),
        _ => f64::from(f32::MIN),
    };
    b.scalar(value)
}

/// A bias that grows with the distance from a query back to a key, by a slope for each head: `[1, heads, query, key]`.
///
/// Press et al. 2022 (arXiv 2108.12409).
pub fn alibi(b: &mut GraphBuilder, slopes: &[f64], places: &Places) -> Var {
    let table = b.table("alibi", &[1, slopes.len(), 1, 1], slopes);
    let (keys, queries) = places.crossed(b);
    let back = b.sub(&keys, &queries);
    let back = b.cast(&back, Element::F32);
    let bias = b.mul(&table, &back);
    b.cast_float(&bias)
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn no_bias_is_added_to_a_number_that_is_multiplied() {
        for config in [r#"{"model_type": "mpnet"}"#, r#"{"model_type": "t5", "architectures": ["T5EncoderModel"]}"#] {
            let model = Model::from_config_text("config.json", config).unwrap();
            let lowest = |input: &String| input.contains(&format!("{:e}", f64::from(f32::MIN)));
            let nodes = model.graph().nodes.iter().filter(|node| node.inputs.iter().any(lowest));
            let operators: Vec<&str> = nodes.map(|node| node.op.as_str()).collect();
            assert_eq!(operators, ["Where"], "{config}");
        }
    }
}
