//! Images within a text: each row of ids has the tokens of its image, in one run or several, and the image's vectors go
//! where they stand.

use crate::{
    Element,
    builder::{GraphBuilder, Var},
};

/// Which tokens of a text stand for its image, and which of the image's vectors each of them is.
pub struct ImageTokens {
    /// `[batch, sequence]`, true at the image.
    is_image: Var,
    /// `[batch, sequence]`, counted from 0 within the row's image; 0 for words.
    pub place: Var,
    /// The same as 1 and 0.
    pub marks: Var,
}

impl ImageTokens {
    /// Where the numbers of `[batch, sequence]` are this one.
    pub fn find(b: &mut GraphBuilder, numbers: &Var, token: i64) -> Self {
        let token = b.int(token);
        let is_image = b.equal(numbers, &token);
        let marks = b.cast(&is_image, Element::I64);
        let counted = b.cumulative_sum(&marks, 1);
        let counted = b.mul(&counted, &marks);
        let place = b.sub(&counted, &marks);
        Self { is_image, place, marks }
    }

    /// The ids to look up: where the image's token has no row in the table of words, the first row stands in for it.
    pub fn known(&self, b: &mut GraphBuilder, ids: &Var, token: usize, rows: usize) -> Var {
        if token < rows {
            return ids.clone();
        }
        let first = b.int(0);
        b.choose(&self.is_image, &first, ids)
    }

    /// The words `[batch, sequence, width]` with the image's vectors `[batch, tokens, width]` in place of its tokens.
    pub fn replace(&self, b: &mut GraphBuilder, words: &Var, image: &Var, width: usize) -> Var {
        let vectors = self.vectors(b, image, width);
        self.choose(b, &vectors, words)
    }

    /// The vectors of the image tokens added to `[batch, sequence, width]`.
    pub fn add(&self, b: &mut GraphBuilder, hidden: &Var, image: &Var, width: usize) -> Var {
        let vectors = self.vectors(b, image, width);
        let zero = b.scalar(0.0);
        let vectors = self.choose(b, &vectors, &zero);
        b.add(hidden, &vectors)
    }

    /// `yes` at the image, `no` elsewhere, both going together with `[batch, sequence, width]`.
    pub fn choose(&self, b: &mut GraphBuilder, yes: &Var, no: &Var) -> Var {
        let is_image = b.unsqueeze(&self.is_image, -1);
        b.choose(&is_image, yes, no)
    }

    /// For each token of the text a vector of its row's image: that at its place, the first for words.
    fn vectors(&self, b: &mut GraphBuilder, image: &Var, width: usize) -> Var {
        let tokens = b.size_of(image, 1);
        let index = in_rows(b, &self.place, &tokens);
        let table = b.reshape(image, &[-1, width as i64]);
        b.gather(&table, &index, 0)
    }
}

/// Places within a row's own `count` entries as places in the entries of all rows. `count` is a vector of one number.
pub fn in_rows(b: &mut GraphBuilder, places: &Var, count: &Var) -> Var {
    let rows = b.size_of(places, 0);
    let rows = b.count_up(&rows);
    let rows = b.unsqueeze(&rows, 1);
    let starts = b.mul(&rows, count);
    b.add(places, &starts)
}
