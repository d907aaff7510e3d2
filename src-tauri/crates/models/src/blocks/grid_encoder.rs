//! The image encoder of Qwen-VL: patches of images of any size, whose rows and columns turn queries and keys, and a merger
//! that makes one token of each block of neighbours.
//!
//! Every frame of every image of a batch has the same number of patches, which come block by block:
//! `[batch · frames · patches, numbers]`. A frame sees nothing but itself.

use super::{
    Activation, Attention, Frequencies, Heads, Rotary, Rotation, feed_forward, layer_norm, linear, tiles::divide,
};
use crate::{
    Element, ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};

/// The epsilon of every norm, which no configuration has.
const EPSILON: f64 = 1e-6;

/// Its options; modules are called as in `Qwen2VLModel` and `Qwen3VLModel`.
#[derive(Clone, Debug)]
pub struct GridEncoder {
    pub width: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    pub channels: usize,
    pub patch: usize,
    /// Pictures of a video that one frame covers; a still image stands in each of them.
    pub pictures: usize,
    /// Patches along the edge of a block that becomes one token.
    pub merge: usize,
    /// Width of the tokens.
    pub out: usize,
    /// Rows turn one half of a head's pairs by these, columns the other.
    frequencies: Vec<f64>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Qwen2,
    /// With a learned vector for each place of a square table, stretched over the image, and tokens taken after some
    /// layers for the text's own layers.
    Qwen3 {
        table: usize,
        taken: Vec<i64>,
    },
}

/// What the images become, those of each text together: `[batch, frames · tokens, out]`, and the same from earlier
/// layers for the text's layers.
pub struct Seen {
    pub tokens: Var,
    pub deep: Vec<Var>,
}

/// Row and column of each patch: `[batch · frames, patches]`.
struct Places {
    row: Var,
    column: Var,
}

impl GridEncoder {
    /// Of a `qwen2_vl_vision`.
    pub fn qwen2(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("embed_dim", 1280)?;
        let inner = width * config.size("mlp_ratio", 4)?;
        let out = config.size("hidden_size", 3584)?;
        Self::read(config, "embed_dim", width, inner, out, [32, 14], "quick_gelu", Kind::Qwen2)
    }

    /// Of a `qwen3_vl_vision`.
    pub fn qwen3(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 1152)?;
        let inner = config.size("intermediate_size", 4304)?;
        let out = config.size("out_hidden_size", 3584)?;
        let kind = Kind::Qwen3 {
            table: config.size("num_position_embeddings", 2304)?.isqrt(),
            taken: config.integers("deepstack_visual_indexes", &[8, 16, 24])?,
        };
        Self::read(config, "hidden_size", width, inner, out, [27, 16], "gelu_pytorch_tanh", kind)
    }

    #[expect(clippy::too_many_arguments, reason = "what differs between the two, each by name in one place")]
    fn read(
        config: &Config,
        width_key: &str,
        width: usize,
        inner: usize,
        out: usize,
        [default_layers, default_patch]: [usize; 2],
        default_activation: &str,
        kind: Kind,
    ) -> Result<Self, ModelError> {
        let count = config.size("num_heads", 16)?;
        let head_width = config.divides(width_key, width, "num_heads", count)?;
        if !head_width.is_multiple_of(4) {
            let reason = format!("rows and columns turn a quarter of a head each, and {head_width} has no quarter");
            return Err(config.refuse("num_heads", reason, "Choose a head width that is a multiple of 4"));
        }
        let layers = config.layers("depth", default_layers)?;
        if let Kind::Qwen3 { taken, .. } = &kind
            && let Some(beyond) = taken.iter().find(|index| !(0..layers as i64).contains(*index))
        {
            let reason = format!("there is no layer {beyond} among {layers}");
            return Err(config.refuse("deepstack_visual_indexes", reason, "Choose layers below depth"));
        }
        let rope = config.object("rope_parameters")?;
        let theta = rope.as_ref().map_or(Ok(10_000.0), |rope| rope.positive("rope_theta", 10_000.0))?;
        if let Some(rope) = &rope
            && rope.text("rope_type", "axial")? != "axial"
        {
            return Err(rope.refuse("rope_type", "these rotary positions are not built", "Known is axial"));
        }
        let frequencies = (0..head_width / 4).map(|pair| theta.powf(-((4 * pair) as f64) / head_width as f64));
        Ok(Self {
            width,
            inner,
            layers,
            heads: Heads::even(width, count),
            activation: Activation::read(config, "hidden_act", default_activation)?,
            channels: config.size("in_channels", 3)?,
            patch: config.size("patch_size", default_patch)?,
            pictures: config.size("temporal_patch_size", 2)?,
            merge: config.size("spatial_merge_size", 2)?,
            out,
            frequencies: frequencies.collect(),
            kind,
        })
    }

    /// Numbers of a patch.
    pub fn numbers(&self) -> usize {
        self.channels * self.pictures * self.patch * self.patch
    }

    /// Of the patches of all frames, `[batch · frames · patches, numbers]`, and `[batch · frames, 3]` with a 1 and the
    /// rows and columns of each frame's patches. `texts` is a vector of one number, the batch.
    pub fn look(&self, b: &mut GraphBuilder, pixels: &Var, grid: &Var, texts: &Var) -> Seen {
        let places = self.places(b, pixels, grid);
        let mut hidden = self.embed(b, pixels, grid);
        if let Kind::Qwen3 { table, .. } = self.kind {
            let stretched = self.stretched(b, &places, grid, table);
            hidden = b.add(&hidden, &stretched);
        }
        let rotary = self.rotary(b, &places);
        let mut deep = Vec::new();
        for index in 0..self.layers {
            hidden = self.layer(&mut b.at(format_args!("blocks.{index}")), &hidden, &rotary);
            if let Kind::Qwen3 { taken, .. } = &self.kind
                && let Some(place) = taken.iter().position(|taken| *taken == index as i64)
            {
                deep.push(self.merged(&mut b.at(format_args!("deepstack_merger_list.{place}")), &hidden, texts, true));
            }
        }
        Seen { tokens: self.merged(&mut b.at("merger"), &hidden, texts, false), deep }
    }

    /// Draws it for nothing but its weights.
    pub fn declare(&self, b: &mut GraphBuilder) {
        let (pixels, number) = (b.scalar(0.0), b.int(0));
        self.look(b, &pixels, &number, &number);
    }

    /// A patch covers its whole kernel, so the convolution of its numbers is a product with the kernel.
    fn embed(&self, b: &mut GraphBuilder, pixels: &Var, grid: &Var) -> Var {
        let Self { width, channels, pictures, patch, .. } = *self;
        let mut projection = b.at("patch_embed.proj");
        let kernel = projection.weight("weight", &[width, channels, pictures, patch, patch], Fill::Matrix);
        let kernel = projection.reshape(&kernel, &[width as i64, -1]);
        let pixels = projection.cast_float(pixels);
        let mut seen = projection.matmul_transposed(&pixels, &kernel);
        if matches!(self.kind, Kind::Qwen3 { .. }) {
            let bias = projection.weight("bias", &[width], Fill::Bias);
            seen = projection.add(&seen, &bias);
        }
        let (frames, rest) = (b.size_of(grid, 0), b.ints(&[-1, width as i64]));
        let shape = b.concat(&[&frames, &rest], 0);
        b.reshape_to(&seen, &shape)
    }

    fn places(&self, b: &mut GraphBuilder, pixels: &Var, grid: &Var) -> Places {
        let (all, frames) = (b.size_of(pixels, 0), b.size_of(grid, 0));
        let patches = b.div(&all, &frames);
        let order = b.count_up(&patches);
        let merge = b.int(self.merge as i64);
        let [lines, inner_column] = divide(b, &order, &merge);
        let [block, inner_row] = divide(b, &lines, &merge);
        let columns = b.split(grid, &[1, 1, 1], 1).swap_remove(2);
        let blocks = b.div(&columns, &merge);
        let block = b.unsqueeze(&block, 0);
        let [block_row, block_column] = divide(b, &block, &blocks);
        let place = |b: &mut GraphBuilder, block: &Var, inner: &Var| {
            let start = b.mul(block, &merge);
            b.add(&start, inner)
        };
        Places { row: place(b, &block_row, &inner_row), column: place(b, &block_column, &inner_column) }
    }

    /// Half of a head's pairs turn by the row, the other half by the column.
    fn rotary(&self, b: &mut GraphBuilder, places: &Places) -> Rotary {
        let mut b = b.at("rotary_pos_emb");
        let table = b.table("inv_freq", &[self.frequencies.len()], &self.frequencies);
        let parts = [&places.row, &places.column].map(|place| {
            let place = b.cast(place, Element::F32);
            let place = b.unsqueeze(&place, -1);
            b.mul(&place, &table)
        });
        let angles = b.concat(&parts.each_ref(), -1);
        let angles = b.unsqueeze(&angles, 1);
        let frequencies = Frequencies::Fixed(self.frequencies.repeat(2));
        Rotary::of_angles(&mut b, &angles, &Rotation { frequencies, factor: 1.0, interleaved: false })
    }

    /// The table of positions stretched over a frame with its corners on the frame's:
    /// `[batch · frames, patches, width]`.
    fn stretched(&self, b: &mut GraphBuilder, places: &Places, grid: &Var, side: usize) -> Var {
        let mut b = b.at("pos_embed");
        let table = b.weight("weight", &[side * side, self.width], Fill::Matrix);
        let sizes = b.split(grid, &[1, 1, 1], 1);
        let (one, last) = (b.int(1), b.int(side as i64 - 1));
        let mut taps = Vec::new();
        for (place, size) in [(&places.row, &sizes[1]), (&places.column, &sizes[2])] {
            let steps = b.sub(size, &one);
            let steps = b.larger(&steps, &one);
            let reach = b.mul(place, &last);
            let [before, rest] = divide(&mut b, &reach, &steps);
            let after = b.add(&before, &one);
            let after = b.smaller(&after, &last);
            let (rest, steps) = (b.cast(&rest, Element::F32), b.cast(&steps, Element::F32));
            let share = b.div(&rest, &steps);
            let share = b.cast_float(&share);
            taps.push(([before, after], b.unsqueeze(&share, -1)));
        }
        let side = b.int(side as i64);
        let [(rows, down), (columns, across)] = [taps.remove(0), taps.remove(0)];
        let mix = |b: &mut GraphBuilder, [before, after]: [Var; 2], share: &Var| {
            let step = b.sub(&after, &before);
            let step = b.mul(&step, share);
            b.add(&before, &step)
        };
        let lines = rows.map(|row| {
            let start = b.mul(&row, &side);
            let ends = columns.each_ref().map(|column| {
                let index = b.add(&start, column);
                b.gather(&table, &index, 0)
            });
            mix(&mut b, ends, &across)
        });
        mix(&mut b, lines, &down)
    }

    fn layer(&self, b: &mut GraphBuilder, x: &Var, rotary: &Rotary) -> Var {
        let Self { width, heads, .. } = *self;
        let normal = layer_norm(&mut b.at("norm1"), x, width, EPSILON);
        let attention = Attention { rotary: Some(rotary), ..Attention::new(heads, ["qkv", "qkv", "qkv", "proj"]) };
        let attended = {
            let mut b = b.at("attn");
            let all = linear(&mut b.at("qkv"), &normal, width, 3 * width, true);
            let parts = b.split(&all, &[width; 3], -1);
            let shape = [0, 0, heads.count as i64, heads.head_width as i64];
            let [query, key, value] = [0, 1, 2].map(|part| b.reshape(&parts[part], &shape));
            let mixed = attention.attend(&mut b, &query, &key, &value);
            linear(&mut b.at("proj"), &mixed, width, width, true)
        };
        let x = b.add(&attended, x);
        let normal = layer_norm(&mut b.at("norm2"), &x, width, EPSILON);
        let modules = match self.kind {
            Kind::Qwen2 => ["fc1", "fc2"],
            Kind::Qwen3 { .. } => ["linear_fc1", "linear_fc2"],
        };
        let thought = feed_forward(&mut b.at("mlp"), &normal, modules, [width, self.inner], self.activation, true);
        b.add(&thought, &x)
    }

    /// Each block of neighbours as one token, those of a text together; after the norm, or `late` before it:
    /// `[batch, frames · tokens, out]`.
    fn merged(&self, b: &mut GraphBuilder, x: &Var, texts: &Var, late: bool) -> Var {
        let block = self.width * self.merge * self.merge;
        let (norm, modules) = match self.kind {
            Kind::Qwen2 => ("ln_q", ["mlp.0", "mlp.2"]),
            Kind::Qwen3 { .. } => ("norm", ["linear_fc1", "linear_fc2"]),
        };
        let rest = b.ints(&[-1, block as i64]);
        let shape = b.concat(&[texts, &rest], 0);
        let together = |b: &mut GraphBuilder, x: &Var| b.reshape_to(x, &shape);
        let normal = if late {
            let x = together(b, x);
            layer_norm(&mut b.at(norm), &x, block, EPSILON)
        } else {
            let normal = layer_norm(&mut b.at(norm), x, self.width, EPSILON);
            together(b, &normal)
        };
        let wide = linear(&mut b.at(modules[0]), &normal, block, block, true);
        let active = Activation::Gelu.apply(b, &wide);
        linear(&mut b.at(modules[1]), &active, block, self.out, true)
    }
}
