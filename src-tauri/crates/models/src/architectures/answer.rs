//! An answer as the decoder beside an encoder reads it: what its tokens attend to, and what is kept for those to come.

use crate::{
    blocks::{Attention, Context, Past, Places, order_mask},
    builder::{GraphBuilder, Var},
};

/// The tokens of an answer, beside what was read before.
pub struct Answer {
    seen: Seen,
    /// Keys and values of every layer: of the answer, and of what was read where they are not there already. Empty where
    /// none are kept.
    pub kept: [Vec<Past>; 2],
}

enum Seen {
    /// The vectors of what was read, and whether keys and values are kept.
    Vectors { states: Var, keeps: bool },
    /// Keys and values of every layer, of the answer so far and of what was read, and where the next token stands.
    Kept { pasts: Vec<[Past; 2]>, places: Places },
}

impl Answer {
    /// All of it at once; `states` are the vectors of what was read, `[batch, read, width]`.
    pub fn whole(states: &Var) -> Self {
        Self::new(Seen::Vectors { states: states.clone(), keeps: false })
    }

    /// Its first tokens, of which keys and values are kept.
    pub fn begins(states: &Var) -> Self {
        Self::new(Seen::Vectors { states: states.clone(), keeps: true })
    }

    /// Its next token; `pasts` are keys and values of every layer, of the answer so far and of what was read.
    pub fn goes_on(b: &mut GraphBuilder, pasts: Vec<[Past; 2]>) -> Self {
        let (before, own) = (b.size_of(&pasts[0][0].key, 2), b.ints(&[1]));
        let places = Places::after(b, &before, &own);
        Self::new(Seen::Kept { pasts, places })
    }

    fn new(seen: Seen) -> Self {
        Self { seen, kept: [Vec::new(), Vec::new()] }
    }

    /// Where the next token stands; none where the answer begins.
    pub fn after(&self) -> Option<&Places> {
        match &self.seen {
            Seen::Vectors { .. } => None,
            Seen::Kept { places, .. } => Some(places),
        }
    }

    /// Attention of a layer's tokens to each other and to those before them.
    pub fn attend_itself(&mut self, b: &mut GraphBuilder, layer: usize, attention: &Attention, x: &Var) -> Var {
        let past = match &self.seen {
            Seen::Vectors { keeps: false, .. } => return attention.apply(b, x),
            Seen::Vectors { keeps: true, .. } => None,
            Seen::Kept { pasts, .. } => Some(&pasts[layer][0]),
        };
        let (mixed, present) = attention.apply_cached(b, x, past);
        self.kept[0].push(present);
        mixed
    }

    /// Attention of a layer's tokens to what was read, whose vectors are as wide as theirs.
    pub fn attend_read(&mut self, b: &mut GraphBuilder, layer: usize, attention: &Attention, x: &Var) -> Var {
        let (states, keeps) = match &self.seen {
            Seen::Vectors { states, keeps } => (states, *keeps),
            Seen::Kept { pasts, .. } => return attention.apply_kept(b, x, &pasts[layer][1]),
        };
        let context = Some(Context { states, width: attention.heads.width });
        let attention = Attention { context, ..*attention };
        if !keeps {
            return attention.apply(b, x);
        }
        let (mixed, present) = attention.apply_cached(b, x, None);
        self.kept[1].push(present);
        mixed
    }
}

/// Where the tokens of a call stand in their text.
pub enum Standing {
    /// At its beginning: so many of them, as a vector of one number.
    First(Var),
    After(Places),
}

impl Standing {
    /// Of tokens `[batch, length, …]` at the beginning, or after others.
    pub fn of(b: &mut GraphBuilder, tokens: &Var, after: Option<&Places>) -> Self {
        match after {
            None => Self::First(b.size_of(tokens, 1)),
            Some(places) => Self::After(places.clone()),
        }
    }

    /// Each token's place, counted from 0.
    pub fn places(&self, b: &mut GraphBuilder) -> Var {
        match self {
            Self::First(length) => b.count_up(length),
            Self::After(places) => places.queries.clone(),
        }
    }

    /// The rows of a table that belong to these places.
    pub fn rows(&self, b: &mut GraphBuilder, table: &Var) -> Var {
        match self {
            Self::First(length) => b.first_rows(table, length),
            Self::After(places) => b.gather(table, &places.queries, 0),
        }
    }

    /// Where tokens and those they attend to stand, and the mask that hides from each what comes after it; none where
    /// nothing does.
    pub fn among(&self, b: &mut GraphBuilder) -> (Places, Option<Var>) {
        match self {
            Self::First(length) => {
                let places = Places::new(b, length);
                let mask = order_mask(b, &places);
                (places, Some(mask))
            }
            Self::After(places) => (places.clone(), None),
        }
    }
}
