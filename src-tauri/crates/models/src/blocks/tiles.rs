//! Large images as LLaVA-NeXT and LLaVA-OneVision read them: once small and whole, and once cut into tiles.
//!
//! The tiles' patches form one grid. Rows and columns that only padded the image are left out, each line ends with a
//! vector of its own, and a grid too fine is read at fewer places in between (OneVision). Which of the vectors a token of
//! the text is follows from the image's size alone, so it is computed in the graph, for each image by itself.

use super::{ImageTokens, image_tokens::in_rows};
use crate::{
    Element,
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// How an image is cut.
#[derive(Clone, Debug)]
pub struct Tiles {
    /// Pixels along a tile's edge.
    pub pixels: usize,
    /// Patches along a tile's edge.
    pub side: usize,
    /// The sizes that images are fitted into, in pixels: height and width.
    pub sizes: Vec<[usize; 2]>,
    /// A grid of more than 1.21 times so many tiles' patches is read at as many places.
    pub most: Option<usize>,
}

impl Tiles {
    /// Rows and columns of tiles of each size.
    pub fn grids(&self) -> impl Iterator<Item = [usize; 2]> {
        self.sizes.iter().map(|size| size.map(|edge| edge / self.pixels))
    }

    /// Tokens of an image that fills a size of so many tiles.
    pub fn tokens(&self, [tile_rows, tile_columns]: [usize; 2]) -> usize {
        let [rows, columns] = [tile_rows * self.side, tile_columns * self.side];
        let (rows, columns) = match self.most.map(|most| most * self.side * self.side) {
            Some(most) if rows * columns * 100 > most * 121 => {
                ((rows * most / columns).isqrt(), (columns * most / rows).isqrt())
            }
            _ => (rows, columns),
        };
        self.side * self.side + rows * (columns + 1)
    }

    /// Whether any size is too fine.
    fn shrinks(&self) -> bool {
        self.most.is_some_and(|most| self.grids().any(|[rows, columns]| rows * columns * 100 > most * 121))
    }

    /// The vector of each token: `[batch, sequence, width]`, of which only those at the image mean something.
    ///
    /// `image_sizes` is `[batch, 2]`, height and width in pixels; `features` `[batch, tiles, patches, width]`, the whole
    /// image first.
    pub fn vectors(
        &self,
        b: &mut GraphBuilder,
        tokens: &ImageTokens,
        image_sizes: &Var,
        features: &Var,
        width: usize,
    ) -> Var {
        let grid = self.grid(b, image_sizes);
        let patches = (self.side * self.side) as i64;
        let base = b.int(patches);
        let is_base = b.less(&tokens.place, &base);
        let beyond = b.sub(&tokens.place, &base);
        let (zero, one) = (b.int(0), b.int(1));
        // Engines do not agree on how negative numbers divide.
        let beyond = b.larger(&beyond, &zero);
        let length = b.add(&grid.shown[1], &one);
        let [row, column] = divide(b, &beyond, &length);
        let ends_line = b.equal(&column, &grid.shown[1]);

        let tiles = b.size_of(features, 1);
        let each = b.ints(&[patches]);
        let count = b.mul(&tiles, &each);
        let table = b.reshape(features, &[-1, width as i64]);
        let at = |b: &mut GraphBuilder, row: &Var, column: &Var| {
            let index = self.index(b, &grid, row, column);
            let index = b.choose(&is_base, &tokens.place, &index);
            // The end of a line lies outside the grid; what is read there is not used.
            let index = b.choose(&ends_line, &zero, &index);
            let index = in_rows(b, &index, &count);
            b.gather(&table, &index, 0)
        };
        let seen = if self.shrinks() {
            let [up, left] = [(&row, 0), (&column, 1)].map(|(place, axis)| grid.between(b, place, axis));
            let upper = [at(b, &up.before, &left.before), at(b, &up.before, &left.after)];
            let lower = [at(b, &up.after, &left.before), at(b, &up.after, &left.after)];
            let upper = left.mix(b, &upper);
            let lower = left.mix(b, &lower);
            let mixed = up.mix(b, &[upper, lower]);
            let is_base = b.unsqueeze(&is_base, -1);
            let whole = at(b, &row, &column);
            b.choose(&is_base, &whole, &mixed)
        } else {
            at(b, &row, &column)
        };
        let newline = b.weight("image_newline", &[width], Fill::Matrix);
        let ends_line = b.unsqueeze(&ends_line, -1);
        b.choose(&ends_line, &newline, &seen)
    }

    /// Where a place of the shown grid lies among an image's vectors.
    fn index(&self, b: &mut GraphBuilder, grid: &Grid, row: &Var, column: &Var) -> Var {
        let side = b.int(self.side as i64);
        let (row, column) = (b.add(row, &grid.padding[0]), b.add(column, &grid.padding[1]));
        let [tile_row, row] = divide(b, &row, &side);
        let [tile_column, column] = divide(b, &column, &side);
        let tile = b.mul(&tile_row, &grid.tile_columns);
        let tile = b.add(&tile, &tile_column);
        let one = b.int(1);
        // The whole image comes first.
        let tile = b.add(&tile, &one);
        let patches = b.int((self.side * self.side) as i64);
        let start = b.mul(&tile, &patches);
        let line = b.mul(&row, &side);
        let inner = b.add(&line, &column);
        b.add(&start, &inner)
    }

    fn grid(&self, b: &mut GraphBuilder, image_sizes: &Var) -> Grid {
        let edges = b.split(image_sizes, &[1, 1], 1);
        let [height, width] = [&edges[0], &edges[1]];
        let [fit_height, fit_width] = self.best_size(b, height, width);
        let (pixels, side) = (b.int(self.pixels as i64), b.int(self.side as i64));
        let [tile_rows, tile_columns] = [&fit_height, &fit_width].map(|edge| b.div(edge, &pixels));
        let [rows, columns] = [&tile_rows, &tile_columns].map(|tiles| b.mul(tiles, &side));

        // An image wider than its grid leaves rows above and below, another one columns at the sides.
        let (across, down) = (b.mul(width, &rows), b.mul(&columns, height));
        let wide = b.greater(&across, &down);
        let padding_of = |b: &mut GraphBuilder, all: &Var, product: &Var, edge: &Var| {
            let used = b.div(product, edge);
            let unused = b.sub(all, &used);
            let two = b.int(2);
            b.div(&unused, &two)
        };
        let (above, beside) = (padding_of(b, &rows, &down, width), padding_of(b, &columns, &across, height));
        let none = b.int(0);
        let (above, beside) = (b.choose(&wide, &above, &none), b.choose(&wide, &none, &beside));
        let kept = |b: &mut GraphBuilder, all: &Var, padding: &Var| {
            let both = b.add(padding, padding);
            b.sub(all, &both)
        };
        let kept = [kept(b, &rows, &above), kept(b, &columns, &beside)];
        let shown = if self.shrinks() { self.shrunk(b, &kept) } else { kept.clone() };
        Grid { tile_columns, padding: [above, beside], kept, shown }
    }

    /// Of the sizes that the image fills best the one that it wastes least of: height and width, each `[batch, 1]`.
    fn best_size(&self, b: &mut GraphBuilder, height: &Var, width: &Var) -> [Var; 2] {
        let edges = [0, 1].map(|axis| self.sizes.iter().map(|size| size[axis] as i64).collect::<Vec<_>>());
        let [heights, widths] = edges.each_ref().map(|edges| b.ints(edges));
        // The longer edge fills its side; the other keeps the image's proportions.
        let (down, across) = (b.mul(&widths, height), b.mul(&heights, width));
        let by_width = b.less_or_equal(&down, &across);
        let (scaled_height, scaled_width) = (b.div(&down, width), b.div(&across, height));
        let (full_width, full_height) = (b.mul(&scaled_height, &widths), b.mul(&scaled_width, &heights));
        let area = b.choose(&by_width, &full_width, &full_height);
        let own = b.mul(height, width);
        let used = b.smaller(&area, &own);
        let all = b.mul(&heights, &widths);
        let wasted = b.sub(&all, &used);

        let most = b.largest_last(&used);
        let best = b.equal(&used, &most);
        // More than any size wastes, and few enough digits for engines that compare whole numbers as f32.
        let largest = self.sizes.iter().map(|[height, width]| height * width).max().unwrap_or_default();
        let never = b.int(largest as i64 + 1);
        let wasted = b.choose(&best, &wasted, &never);
        let least = b.smallest_last(&wasted);
        let best = b.equal(&wasted, &least);
        let order = b.ints(&(0..self.sizes.len() as i64).collect::<Vec<_>>());
        let order = b.choose(&best, &order, &never);
        let first = b.smallest_last(&order);
        [b.gather(&heights, &first, 0), b.gather(&widths, &first, 0)]
    }

    /// Rows and columns of a grid that is read at fewer places where it is too fine, with the same proportions.
    fn shrunk(&self, b: &mut GraphBuilder, kept: &[Var; 2]) -> [Var; 2] {
        let most = self.most.unwrap_or(1) * self.side * self.side;
        let (most, share, limit) = (b.int(most as i64), b.int(100), b.int(most as i64 * 121));
        let area = b.mul(&kept[0], &kept[1]);
        let area = b.mul(&area, &share);
        let too_fine = b.greater(&area, &limit);
        [[0, 1], [1, 0]].map(|[own, other]| {
            let square = b.mul(&kept[own], &most);
            let square = b.div(&square, &kept[other]);
            // Whole numbers this small have exact roots where they have whole ones.
            let square = b.cast(&square, Element::F32);
            let root = b.unary("Sqrt", &square);
            let root = b.cast(&root, Element::I64);
            b.choose(&too_fine, &root, &kept[own])
        })
    }
}

/// The grid of each image of a batch; all are `[batch, 1]`. Pairs are of rows and of columns.
struct Grid {
    tile_columns: Var,
    /// What is left out at the beginning, and at the end as well.
    padding: [Var; 2],
    /// What is left of the grid.
    kept: [Var; 2],
    /// How many places of it are read.
    shown: [Var; 2],
}

impl Grid {
    /// Neighbours of a shown place, as bilinear interpolation with half-pixel centres has them.
    fn between(&self, b: &mut GraphBuilder, place: &Var, axis: usize) -> Between {
        let [kept, shown] = [&self.kept[axis], &self.shown[axis]].map(|size| b.cast(size, Element::F32));
        let scale = b.div(&kept, &shown);
        let place = b.cast(place, Element::F32);
        let (half, zero) = (b.scalar_as(Element::F32, 0.5), b.scalar_as(Element::F32, 0.0));
        let centre = b.add(&place, &half);
        let source = b.mul(&centre, &scale);
        let source = b.sub(&source, &half);
        let source = b.larger(&source, &zero);
        let floor = b.unary("Floor", &source);
        let share = b.sub(&source, &floor);
        let before = b.cast(&floor, Element::I64);
        let one = b.int(1);
        let (after, last) = (b.add(&before, &one), b.sub(&self.kept[axis], &one));
        let after = b.smaller(&after, &last);
        let share = b.cast_float(&share);
        Between { before, after, share: b.unsqueeze(&share, -1) }
    }
}

/// Two neighbouring places, and how near the second is.
struct Between {
    before: Var,
    after: Var,
    share: Var,
}

impl Between {
    fn mix(&self, b: &mut GraphBuilder, [before, after]: &[Var; 2]) -> Var {
        let step = b.sub(after, before);
        let step = b.mul(&step, &self.share);
        b.add(before, &step)
    }
}

/// Quotient and remainder of whole numbers.
pub fn divide(b: &mut GraphBuilder, number: &Var, by: &Var) -> [Var; 2] {
    let quotient = b.div(number, by);
    let product = b.mul(&quotient, by);
    let rest = b.sub(number, &product);
    [quotient, rest]
}
