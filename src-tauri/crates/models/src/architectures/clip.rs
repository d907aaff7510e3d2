//! CLIP and its relatives: a text and an image are read by a tower each, and their vectors are compared.

use super::{Architecture, Class, Text as TextInput};
use crate::{
    Dimension, Element, ModelError,
    blocks::{
        Activation, Attention, Convolution, Heads, Layer, Places, as_sequence, causal_mask, embedding, feed_forward,
        layer_norm, linear, padding_mask, place_of_largest, unit_length, vector_at, vector_at_each, with_tokens,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    graph::fixed,
    weights::Fill,
};
use contract::DimRole;

/// One of the model types.
pub struct Clip {
    model_type: &'static str,
    classes: &'static [Class],
    part: Part,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Both,
    Text,
    Image,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Clip,
    /// Reads text in both directions, has no vector for the whole image and asks for one by attention.
    Siglip,
    /// The images' side of SigLIP alone and without that question, as language models see with it.
    Eyes,
}

const BOTH: &str = "Compares images with texts";
const TEXT: &str = "Reads text and gives a vector for each token and one for the whole";
const IMAGE: &str = "Looks at an image and gives a vector for each patch and one for the whole";
const COMPARED_TEXT: &str = "Reads text and gives the vector that is compared with images', and one for each token";
const COMPARED_IMAGE: &str =
    "Looks at an image and gives the vector that is compared with texts', and one for each patch";
const PLACES: &str = "Looks at an image and gives a vector for each patch";
const SORT: &str = "Looks at an image and sorts it into classes";

const fn class(name: &'static str, about: &'static str) -> Class {
    Class { name, about }
}

const fn clip(model_type: &'static str, classes: &'static [Class], part: Part) -> Clip {
    Clip { model_type, classes, part, kind: Kind::Clip }
}

pub static CLIP: Clip =
    clip("clip", &[class("CLIPModel", BOTH), class("CLIPForImageClassification", SORT)], Part::Both);
pub static CLIP_TEXT: Clip = clip(
    "clip_text_model",
    &[class("CLIPTextModel", TEXT), class("CLIPTextModelWithProjection", COMPARED_TEXT)],
    Part::Text,
);
pub static CLIP_VISION: Clip = clip(
    "clip_vision_model",
    &[class("CLIPVisionModel", IMAGE), class("CLIPVisionModelWithProjection", COMPARED_IMAGE)],
    Part::Image,
);
pub static METACLIP: Clip =
    clip("metaclip_2", &[class("MetaClip2Model", BOTH), class("MetaClip2ForImageClassification", SORT)], Part::Both);
pub static CLIPSEG: Clip = clip("clipseg", &[class("CLIPSegModel", BOTH)], Part::Both);
pub static CHINESE_CLIP_VISION: Clip =
    clip("chinese_clip_vision_model", &[class("ChineseCLIPVisionModel", IMAGE)], Part::Image);
pub static SIGLIP: Clip = Clip {
    model_type: "siglip",
    classes: &[class("SiglipModel", BOTH), class("SiglipForImageClassification", SORT)],
    part: Part::Both,
    kind: Kind::Siglip,
};
pub static SIGLIP_VISION: Clip = Clip {
    model_type: "siglip_vision_model",
    classes: &[class("SiglipVisionModel", IMAGE)],
    part: Part::Image,
    kind: Kind::Siglip,
};
pub static IDEFICS3_VISION: Clip = Clip {
    model_type: "idefics3_vision",
    classes: &[class("Idefics3VisionTransformer", PLACES)],
    part: Part::Image,
    kind: Kind::Eyes,
};
pub static SMOLVLM_VISION: Clip = Clip {
    model_type: "smolvlm_vision",
    classes: &[class("SmolVLMVisionTransformer", PLACES)],
    part: Part::Image,
    kind: Kind::Eyes,
};

impl Architecture for Clip {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        match self.part {
            Part::Both => "clip",
            Part::Text => "text_model",
            Part::Image => "vision_model",
        }
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let classifies = class.ends_with("ForImageClassification");
        let batch = b.free("batch", DimRole::Batch, question(self.part, classifies), 1, None);
        match self.part {
            Part::Both if classifies => self.draw_classifier(config, b, batch),
            Part::Both => self.draw_both(config, b, batch),
            Part::Text if class.ends_with("WithProjection") => self.draw_projected_text(config, b, batch),
            Part::Image if class.ends_with("WithProjection") => self.draw_projected_image(config, b, batch),
            Part::Text => {
                let tower = Text::read(config, self)?;
                let text = tower.input(&mut b, &batch);
                let (hidden, pooled) = tower.draw(&mut b, &text);
                let (width, out) = (fixed(tower.layers.width), fixed(tower.out));
                b.output("last_hidden_state", &hidden, &[batch.clone(), text.sequence, width]);
                b.output("pooler_output", &pooled, &[batch, out]);
                Ok(())
            }
            Part::Image => {
                let tower = Image::read(config, self.kind)?;
                let pixels = tower.input(&mut b, &batch);
                let (hidden, pooled) = tower.draw(&mut b, &pixels);
                let (width, places) = (fixed(tower.layers.width), fixed(tower.places()));
                b.output("last_hidden_state", &hidden, &[batch.clone(), places, width.clone()]);
                if let Some(pooled) = pooled {
                    b.output("pooler_output", &pooled, &[batch, width]);
                }
                Ok(())
            }
        }
    }
}

impl Clip {
    fn draw_both(&self, config: &Config, mut b: GraphBuilder, batch: Dimension) -> Result<(), ModelError> {
        let (text_config, image_config) = (config.part("text_config")?, config.part("vision_config")?);
        let (text_tower, image_tower) = (Text::read(&text_config, self)?, Image::read(&image_config, self.kind)?);
        let text = text_tower.input(&mut b, &batch);
        let pixels = image_tower.input(&mut b, &batch);
        let (_, text) = text_tower.draw(&mut b.at("text_model"), &text);
        let (_, image) = image_tower.draw(&mut b.at("vision_model"), &pixels);
        let Some(image) = image else {
            let reason = "without a head the image has no vector to compare";
            return Err(image_config.refuse("vision_use_head", reason, "Set vision_use_head to true"));
        };
        let (text, image, width) = match self.kind {
            Kind::Siglip | Kind::Eyes => (text, image, text_tower.out),
            Kind::Clip => {
                let width = config.size("projection_dim", 512)?;
                let mut project = |module: &str, x: &Var, from: usize| linear(&mut b.at(module), x, from, width, false);
                let image = project("visual_projection", &image, image_tower.layers.width);
                (project("text_projection", &text, text_tower.layers.width), image, width)
            }
        };
        if self.kind == Kind::Siglip && image_tower.layers.width != width {
            let reason = format!("an image's vector has {} numbers and a text's {width}", image_tower.layers.width);
            return Err(text_config.refuse("projection_size", reason, "Make them equal"));
        }
        let (text, image) = (unit_length(&mut b, &text), unit_length(&mut b, &image));
        let shift = (self.kind == Kind::Siglip).then_some("logit_bias");
        let logits = compare(&mut b, &image, &text, "logit_scale", shift);
        b.output("logits_per_image", &logits, &[batch.clone(), batch.clone()]);
        b.output("text_embeds", &text, &[batch.clone(), fixed(width)]);
        b.output("image_embeds", &image, &[batch, fixed(width)]);
        Ok(())
    }

    fn draw_projected_text(&self, config: &Config, mut b: GraphBuilder, batch: Dimension) -> Result<(), ModelError> {
        let (tower, out) = (Text::read(config, self)?, config.size("projection_dim", 512)?);
        let text = tower.input(&mut b, &batch);
        let (hidden, whole) = tower.draw(&mut b.at("text_model"), &text);
        let width = tower.layers.width;
        let projected = linear(&mut b.at("text_projection"), &whole, width, out, false);
        b.output("text_embeds", &projected, &[batch.clone(), fixed(out)]);
        b.output("last_hidden_state", &hidden, &[batch, text.sequence, fixed(width)]);
        Ok(())
    }

    fn draw_projected_image(&self, config: &Config, mut b: GraphBuilder, batch: Dimension) -> Result<(), ModelError> {
        let (tower, out) = (Image::read(config, self.kind)?, config.size("projection_dim", 512)?);
        let pixels = tower.input(&mut b, &batch);
        let (hidden, whole) = tower.draw(&mut b.at("vision_model"), &pixels);
        let whole = whole.expect("only CLIP's images are projected, and they have a vector for the whole");
        let width = tower.layers.width;
        let projected = linear(&mut b.at("visual_projection"), &whole, width, out, false);
        b.output("image_embeds", &projected, &[batch.clone(), fixed(out)]);
        b.output("last_hidden_state", &hidden, &[batch, fixed(tower.places()), fixed(width)]);
        Ok(())
    }

    fn draw_classifier(&self, config: &Config, mut b: GraphBuilder, batch: Dimension) -> Result<(), ModelError> {
        let tower = Image::read(&config.part("vision_config")?, self.kind)?;
        let pixels = tower.input(&mut b, &batch);
        let (hidden, _) = tower.draw(&mut b.at("vision_model"), &pixels);
        let width = tower.layers.width;
        // The patches only, not the whole.
        let patches = if self.kind == Kind::Clip { b.slice(&hidden, [1, i64::MAX], 1) } else { hidden };
        let mean = b.mean(&patches, &[1], false);
        let labels = config.labels()?;
        let scores = linear(&mut b.at("classifier"), &mean, width, labels, true);
        b.output("logits", &scores, &[batch, fixed(labels)]);
        Ok(())
    }
}

fn question(part: Part, classifies: bool) -> &'static str {
    match part {
        Part::Both if !classifies => "How many images, and as many texts, at once?",
        Part::Text => "How many texts at once?",
        _ => "How many images at once?",
    }
}

/// Products of all images with all texts by a learned scale, and where there is one with a learned shift:
/// `[images, texts]`.
pub fn compare(b: &mut GraphBuilder, image: &Var, text: &Var, scale: &str, shift: Option<&str>) -> Var {
    // Where there is a shift, both have an axis of their own.
    let shape: &[usize] = if shift.is_some() { &[1] } else { &[] };
    let scale = b.weight(scale, shape, Fill::Bias);
    let scale = b.unary("Exp", &scale);
    let scores = b.matmul_transposed(image, text);
    let scores = b.mul(&scores, &scale);
    let Some(shift) = shift else { return scores };
    let shift = b.weight(shift, shape, Fill::Bias);
    b.add(&scores, &shift)
}

/// The layers of a tower: `encoder.layers.N` with `self_attn`, `layer_norm1`, `mlp`, `layer_norm2`.
#[derive(Clone, Copy)]
pub struct Layers {
    pub width: usize,
    pub inner: usize,
    pub count: usize,
    pub heads: usize,
    pub activation: Activation,
    pub epsilon: f64,
}

impl Layers {
    /// `defaults` are width, inner width and heads.
    pub fn read(
        config: &Config,
        [width, inner, heads]: [usize; 3],
        activation: &str,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", width)?;
        let heads = config.size("num_attention_heads", heads)?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        Ok(Self {
            width,
            inner: config.size("intermediate_size", inner)?,
            count: config.layers("num_hidden_layers", 12)?,
            heads,
            activation: Activation::read(config, "hidden_act", activation)?,
            epsilon: config.positive("layer_norm_eps", epsilon)?,
        })
    }

    pub fn apply(&self, b: &mut GraphBuilder, x: &Var, mask: Option<&Var>) -> Var {
        let mut hidden = x.clone();
        for index in 0..self.count {
            hidden = self.nth(b, index, &hidden, mask);
        }
        hidden
    }

    /// One layer by its number.
    pub fn nth(&self, b: &mut GraphBuilder, index: usize, x: &Var, mask: Option<&Var>) -> Var {
        self.layer(mask).apply(&mut b.at(format_args!("encoder.layers.{index}")), x)
    }

    pub fn layer<'a>(&self, mask: Option<&'a Var>) -> Layer<'a> {
        let modules = ["q_proj", "k_proj", "v_proj", "out_proj"];
        Layer {
            attention: Attention { mask, ..Attention::new(Heads::even(self.width, self.heads), modules) },
            modules: ["self_attn", "layer_norm1", "layer_norm2"],
            network: ["mlp.fc1", "mlp.fc2"],
            inner: self.inner,
            activation: self.activation,
            epsilon: self.epsilon,
            norm_first: true,
            scales: None,
        }
    }
}

/// The tower that reads text.
pub struct Text {
    pub layers: Layers,
    vocabulary: usize,
    positions: usize,
    /// Token whose vector stands for the whole text; none where the highest token does.
    end: Option<usize>,
    /// Width of the whole text's vector.
    out: usize,
    kind: Kind,
}

/// The end of a text in CLIP's vocabulary; configurations before transformers 4.31 say 2, by mistake.
const END: usize = 49_407;
const MISTAKEN_END: usize = 2;

impl Text {
    fn read(config: &Config, clip: &Clip) -> Result<Self, ModelError> {
        let end = config.size("eos_token_id", END)?;
        let old = end == MISTAKEN_END && clip.model_type != METACLIP.model_type;
        Self::with_end(config, clip.kind, (!old).then_some(end))
    }

    pub fn with_end(config: &Config, kind: Kind, end: Option<usize>) -> Result<Self, ModelError> {
        let layers = match kind {
            Kind::Clip => Layers::read(config, [512, 2048, 8], "quick_gelu", 1e-5)?,
            Kind::Siglip | Kind::Eyes => Layers::read(config, [768, 3072, 12], "gelu_pytorch_tanh", 1e-6)?,
        };
        let (vocabulary, positions) = if kind == Kind::Clip { (49_408, 77) } else { (32_000, 64) };
        let vocabulary = config.size("vocab_size", vocabulary)?;
        let positions = config.size("max_position_embeddings", positions)?;
        let out = if kind == Kind::Siglip { config.size("projection_size", layers.width)? } else { layers.width };
        Ok(Self { layers, vocabulary, positions, end, out, kind })
    }

    /// As long as the position table, which is how these models are used, unless chosen otherwise.
    pub fn input(&self, b: &mut GraphBuilder, batch: &Dimension) -> TextInput {
        TextInput::beside(b, batch, self.positions, Some(self.positions))
    }

    /// The vector of each token, and the whole text's.
    pub fn draw(&self, b: &mut GraphBuilder, text: &TextInput) -> (Var, Var) {
        let Layers { width, epsilon, .. } = self.layers;
        let (_, words) = embedding(&mut b.at("embeddings.token_embedding"), &text.ids, self.vocabulary, width);
        let table = b.at("embeddings.position_embedding").weight("weight", &[self.positions, width], Fill::Matrix);
        let length = b.size_of(&text.ids, 1);
        let places = b.first_rows(&table, &length);
        let words = b.add(&words, &places);
        let mask = match self.kind {
            Kind::Siglip | Kind::Eyes => padding_mask(b, &text.mask),
            Kind::Clip => {
                let places = Places::new(b, &length);
                causal_mask(b, &text.mask, &places, None)
            }
        };
        let hidden = self.layers.apply(b, &words, Some(&mask));
        let hidden = layer_norm(&mut b.at("final_layer_norm"), &hidden, width, epsilon);
        let whole = match self.kind {
            Kind::Siglip | Kind::Eyes => {
                let last = vector_at(b, &hidden, -1);
                linear(&mut b.at("head"), &last, width, self.out, true)
            }
            Kind::Clip => {
                let marks = match self.end {
                    None => text.ids.clone(),
                    Some(end) => {
                        let end = b.int(end as i64);
                        b.equal(&text.ids, &end)
                    }
                };
                let place = place_of_largest(b, &marks);
                vector_at_each(b, &hidden, &place, width)
            }
        };
        (hidden, whole)
    }
}

/// The tower that looks at images.
pub struct Image {
    pub layers: Layers,
    /// Pixels.
    pub image: [usize; 2],
    patch: usize,
    pub channels: usize,
    pub kind: Kind,
    /// Whether there is a vector for the whole image.
    whole: bool,
}

impl Image {
    pub fn read(config: &Config, kind: Kind) -> Result<Self, ModelError> {
        let (layers, patch) = match kind {
            Kind::Clip => (Layers::read(config, [768, 3072, 12], "quick_gelu", 1e-5)?, 32),
            Kind::Siglip => (Layers::read(config, [768, 3072, 12], "gelu_pytorch_tanh", 1e-6)?, 16),
            Kind::Eyes => (Layers::read(config, [1152, 3072, 16], "gelu_pytorch_tanh", 1e-6)?, 32),
        };
        let (edge, patch) = (config.size("image_size", 224)?, config.size("patch_size", patch)?);
        if patch > edge {
            return Err(config.refuse("patch_size", "a patch is larger than the image", "Make image_size larger"));
        }
        Ok(Self {
            layers,
            image: [edge; 2],
            patch,
            channels: config.size("num_channels", 3)?,
            kind,
            whole: match kind {
                Kind::Clip => true,
                Kind::Siglip => config.flag("vision_use_head", true)?,
                Kind::Eyes => false,
            },
        })
    }

    /// Rows and columns of patches.
    pub fn grid(&self) -> [usize; 2] {
        self.image.map(|edge| edge / self.patch)
    }

    fn patches(&self) -> usize {
        self.grid().iter().product()
    }

    /// Vectors that come out: one for each patch, and CLIP's first one for the whole.
    pub fn places(&self) -> usize {
        self.patches() + usize::from(self.kind == Kind::Clip)
    }

    /// Channels, height and width of an image.
    pub fn sizes(&self) -> [usize; 3] {
        [self.channels, self.image[0], self.image[1]]
    }

    fn input(&self, b: &mut GraphBuilder, batch: &Dimension) -> Var {
        let [height, width] = self.image.map(fixed);
        b.input("pixel_values", Element::F32, &[batch.clone(), fixed(self.channels), height, width])
    }

    /// The vector of each place before the layers: `[images, places, width]`.
    pub fn embed(&self, b: &mut GraphBuilder, pixels: &Var) -> Var {
        let width = self.layers.width;
        let mut b = b.at("embeddings");
        let pixels = b.cast_float(pixels);
        let patches = Convolution::patches(self.channels, width, self.patch).bias(self.kind != Kind::Clip);
        let seen = patches.apply(&mut b.at("patch_embedding"), &pixels);
        let mut seen = as_sequence(&mut b, &seen, width);
        if self.kind == Kind::Clip {
            let whole = b.weight("class_embedding", &[width], Fill::Matrix);
            let whole = b.reshape(&whole, &[1, 1, width as i64]);
            seen = with_tokens(&mut b, &[&whole], &seen);
        }
        let table = b.at("position_embedding").weight("weight", &[self.places(), width], Fill::Matrix);
        b.add(&seen, &table)
    }

    /// What the first layer reads.
    fn begin(&self, b: &mut GraphBuilder, pixels: &Var) -> Var {
        let Layers { width, epsilon, .. } = self.layers;
        let hidden = self.embed(b, pixels);
        match self.kind {
            Kind::Clip => layer_norm(&mut b.at("pre_layrnorm"), &hidden, width, epsilon),
            Kind::Siglip | Kind::Eyes => hidden,
        }
    }

    /// The vector of each place, and the whole image's.
    pub fn draw(&self, b: &mut GraphBuilder, pixels: &Var) -> (Var, Option<Var>) {
        let hidden = self.begin(b, pixels);
        let hidden = self.layers.apply(b, &hidden, None);
        self.end(b, hidden)
    }

    /// What the first layer reads and what each of the first `count` layers makes of it, for models that look into the
    /// tower. The rest of it is theirs as well, and unread.
    pub fn states(&self, b: &mut GraphBuilder, pixels: &Var, count: usize) -> Vec<Var> {
        let mut states = vec![self.begin(b, pixels)];
        for index in 0..count {
            let next = self.layers.nth(b, index, &states[index], None);
            states.push(next);
        }
        let last = states[count].clone();
        b.undrawn(|b| {
            let hidden =
                (count..self.layers.count).fold(last, |hidden, index| self.layers.nth(b, index, &hidden, None));
            self.end(b, hidden);
        });
        states
    }

    fn end(&self, b: &mut GraphBuilder, hidden: Var) -> (Var, Option<Var>) {
        let Layers { width, epsilon, .. } = self.layers;
        if self.kind == Kind::Clip {
            let whole = vector_at(b, &hidden, 0);
            let whole = layer_norm(&mut b.at("post_layernorm"), &whole, width, epsilon);
            return (hidden, Some(whole));
        }
        let hidden = layer_norm(&mut b.at("post_layernorm"), &hidden, width, epsilon);
        let whole = self.whole.then(|| self.ask(&mut b.at("head"), &hidden));
        (hidden, whole)
    }

    /// SigLIP's whole image: a learned question answered by attention to all patches.
    fn ask(&self, b: &mut GraphBuilder, hidden: &Var) -> Var {
        let Layers { width, inner, heads, activation, epsilon, .. } = self.layers;
        let probe = b.weight("probe", &[1, 1, width], Fill::Matrix);
        let attended = packed_attention(&mut b.at("attention"), [&probe, hidden], Heads::even(width, heads));
        let normal = layer_norm(&mut b.at("layernorm"), &attended, width, epsilon);
        let thought = feed_forward(&mut b.at("mlp"), &normal, ["fc1", "fc2"], [width, inner], activation, true);
        let answer = b.add(&attended, &thought);
        vector_at(b, &answer, 0)
    }
}

/// torch's MultiheadAttention, whose three products are one matrix: from a question `[1, queries, width]` to
/// `[batch, keys, width]`.
fn packed_attention(b: &mut GraphBuilder, [query, context]: [&Var; 2], heads: Heads) -> Var {
    let width = heads.width;
    let weight = b.weight("in_proj_weight", &[3 * width, width], Fill::Matrix);
    let bias = b.weight("in_proj_bias", &[3 * width], Fill::Bias);
    let weights = b.split(&weight, &[width; 3], 0);
    let biases = b.split(&bias, &[width; 3], 0);
    let parts: Vec<Var> = [query, context, context]
        .into_iter()
        .zip(weights.iter().zip(&biases))
        .map(|(x, (weight, bias))| {
            let weight = b.transpose(weight, &[1, 0]);
            let product = b.matmul(x, &weight);
            let product = b.add(&product, bias);
            b.reshape(&product, &[0, 0, heads.count as i64, heads.head_width as i64])
        })
        .collect();
    let mixed = Attention::new(heads, [""; 4]).attend(b, &parts[0], &parts[1], &parts[2]);
    linear(&mut b.at("out_proj"), &mixed, width, width, true)
}
