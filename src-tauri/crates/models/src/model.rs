//! A model that was opened: described and checked, its weights not yet made or read.

use crate::{
    Calibration, Content, Costs, Dimension, Element, Format, Graph, ModelError, Progress, Ranges,
    architectures::{self, Architecture, Class},
    builder::Description,
    config::Config,
    dims,
    error::{counted, listed},
    files,
    generation::{Generation, Manner, Stage},
    hash, onnx, open, padding,
    presets::PRESETS,
    quantize,
    shapes::Numbered,
    stamp::Stamped,
    stored,
    weights::{self, Checkpoint, Files, Source},
};
use contract::{
    ConfigSize, Dim, DimRole, ModelId, ModelInfo, ModelOrigin, PADDING, Precision, UNKNOWN_FAMILY, ValueSpec,
};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

/// Cheap to keep: large weights stay in their files, described ones are not made.
#[derive(Clone)]
pub struct Model {
    info: ModelInfo,
    /// In the precision the model has by itself: f32 where it is described.
    graph: Arc<Graph>,
    body: Body,
    files: Vec<Stamped>,
}

#[derive(Clone)]
enum Body {
    /// An architecture with its configuration, and a checkpoint's weights or random ones.
    Described(Arc<Described>),
    /// A person's ONNX file, used as it is.
    Onnx { path: PathBuf },
}

struct Described {
    architecture: &'static dyn Architecture,
    class: &'static Class,
    config: Config,
    /// Where it is one of the two graphs that text is generated with.
    stage: Option<Stage>,
    /// The checkpoint's path and fingerprint. Its headers are read anew each time, for it may be another by then.
    checkpoint: Option<(PathBuf, String)>,
    /// See [`Model::halves_alike`].
    halves_alike: bool,
}

impl Described {
    /// The checkpoint's numbers for the weights of the description, or random ones.
    fn with_source<T>(
        &self,
        description: &Description,
        seed: u64,
        write: impl FnOnce(&Source) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let Some((checkpoint, fingerprint)) = self.open_checkpoint()? else {
            return write(&Source::Seed(seed));
        };
        let tensors = checkpoint.matched(&description.weights, self.architecture)?.tensors;
        write(&Source::Checkpoint { tensors: &tensors, fingerprint, files: &checkpoint.files })
    }

    /// The checkpoint with its fingerprint; none where the weights are random.
    ///
    /// # Errors
    /// Where its numbers are others by now.
    fn open_checkpoint(&self) -> Result<Option<(Checkpoint, &str)>, ModelError> {
        let Some((path, fingerprint)) = &self.checkpoint else { return Ok(None) };
        let checkpoint = Checkpoint::open(path)?;
        if checkpoint.fingerprint()? != *fingerprint {
            let (place, reason) = ("its tensors", "they are others than when the model was opened");
            return Err(ModelError::unsupported(&files::name(path), place, reason, "Add the model again"));
        }
        Ok(Some((checkpoint, fingerprint.as_str())))
    }

    fn draw(&self, format: &Format) -> Result<Description, ModelError> {
        let element = Element::of(format.precision).unwrap_or(Element::F32);
        let description = architectures::describe(self.architecture, self.class, &self.config, self.stage, element)?;
        match format.scheme()? {
            Some(scheme) => quantize::quantise(description, scheme),
            None => Ok(description),
        }
    }

    /// The graph in a precision, for what only follows from its form. `graph` is the one in f32.
    fn graph_in<'a>(&self, graph: &'a Graph, precision: Precision) -> Result<Cow<'a, Graph>, ModelError> {
        let format = formed(graph, precision);
        match format.scheme()? {
            None if precision == Precision::F32 => Ok(Cow::Borrowed(graph)),
            None => Ok(Cow::Owned(self.draw(&format)?.graph)),
            Some(scheme) => {
                let mut graph = graph.clone();
                quantize::quantise_graph(&mut graph, scheme)?;
                Ok(Cow::Owned(graph))
            }
        }
    }
}

/// A precision as a format for what only follows from the form of the graph. `graph` is the one in f32.
fn formed(graph: &Graph, precision: Precision) -> Format {
    match Format::from(precision) {
        format if precision == Precision::Int8Static => format.with_ranges(Ranges::any(quantize::activations(graph))),
        format => format,
    }
}

impl Model {
    pub fn presets() -> &'static [crate::Preset] {
        PRESETS
    }

    /// A preset, none where no preset has this id.
    pub fn preset(id: &ModelId) -> Option<Self> {
        let preset = PRESETS.iter().find(|preset| preset.id() == *id)?;
        let config = Config::parse(preset.name, preset.config).expect("the presets' configurations are JSON");
        let mut model = Self::described(preset.name, config, None, ModelOrigin::Preset)
            .expect("the presets' configurations are built by this version");
        model.info.id = preset.id();
        preset.about.clone_into(&mut model.info.about);
        Some(model)
    }

    /// Opens an .onnx file, a config.json, a .safetensors file or index with its config.json, or a folder of these.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        open::open(path)
    }

    /// A config.json with weights that lie elsewhere: a .safetensors file, or the index of several.
    pub fn open_with_weights(config: &Path, weights: &Path) -> Result<Self, ModelError> {
        open::with_weights(config, weights)
    }

    /// A configuration pasted as text; its weights are random.
    pub fn from_config_text(name: &str, text: &str) -> Result<Self, ModelError> {
        let config = Config::parse(name, text)?;
        Self::described(name, config, None, ModelOrigin::Config { path: String::new() })
    }

    pub(crate) fn described(
        name: &str,
        config: Config,
        checkpoint: Option<Checkpoint>,
        origin: ModelOrigin,
    ) -> Result<Self, ModelError> {
        Self::described_stage(name, config, None, checkpoint.as_ref(), origin)
    }

    /// The same, whole or as one stage of generating text.
    fn described_stage(
        name: &str,
        config: Config,
        stage: Option<Stage>,
        checkpoint: Option<&Checkpoint>,
        origin: ModelOrigin,
    ) -> Result<Self, ModelError> {
        let (architecture, class) = architectures::find(&config)?;
        let config = match checkpoint {
            Some(checkpoint) => architecture.corrected(config, checkpoint)?,
            None => config,
        };
        let description = architectures::describe(architecture, class, &config, stage, Element::F32)?;
        let mut about = class.about.to_owned();
        let checkpoint = match checkpoint {
            None => None,
            Some(checkpoint) => {
                let unused = checkpoint.matched(&description.weights, architecture)?.unused;
                if !unused.is_empty() {
                    let (count, names) = (counted(unused.len(), "tensor"), listed(&unused));
                    about = format!("{about}; {count} of the checkpoint not used by it ({names})");
                }
                Some((checkpoint.path.clone(), checkpoint.fingerprint()?))
            }
        };
        let counted = description.weights.iter().filter(|weight| weight.part != weights::Part::Buffer);
        let parameters: u64 = counted.map(weights::Weight::parameters).sum();
        let graph_hash = hash::structure(&description.graph)?;
        let id = match &checkpoint {
            Some((_, fingerprint)) => hash::short(&[&graph_hash, fingerprint]),
            None => hash::short(&[&graph_hash]),
        };
        let info = ModelInfo {
            id: ModelId(id),
            name: name.to_owned(),
            family: architecture.model_type().to_owned(),
            origin,
            about,
            parameters: Some(parameters),
            macs: None,
            weight_bytes: parameters * Element::F32.size() as u64,
            inputs: specs(&description.graph.inputs),
            outputs: specs(&description.graph.outputs),
            dims: description.dims,
            precisions: [&[Precision::F32, Precision::F16, Precision::Bf16], quantize::offered(&description.graph)]
                .concat(),
            graph_hash,
            operators: operators(&description.graph),
            random_weights: checkpoint.is_none(),
            experts: description.experts,
        };
        let Description { graph, halves_alike, .. } = description;
        let described = Described { architecture, class, config, stage, checkpoint, halves_alike };
        let body = Body::Described(Arc::new(described));
        let model = Self { info, graph: Arc::new(graph), body, files: Vec::new() };
        // The work of a stage follows from the texts, so it is counted at their sizes.
        Ok(if stage.is_none() { model.with_macs() } else { model })
    }

    pub(crate) fn onnx(path: &Path) -> Result<Self, ModelError> {
        let (mut graph, files) = onnx::read_with_files(path)?;
        let id = hash::content(&graph)?;
        let precision = stored::precision(&graph);
        let weight_bytes = graph.initializers.iter().map(crate::Initializer::byte_len).sum();
        graph.forget_large_weights();
        let shared = match graph.shared_weights {
            true => "; its weights share one pool, so that its times are predictions",
            false => "",
        };
        let info = ModelInfo {
            id: ModelId(id),
            name: path.file_stem().map_or_else(|| files::name(path), |stem| stem.to_string_lossy().into_owned()),
            family: UNKNOWN_FAMILY.to_owned(),
            origin: ModelOrigin::Onnx { path: path.display().to_string() },
            about: format!("An ONNX file of {} nodes, opset {}{shared}", graph.nodes.len(), graph.opset),
            parameters: Some(graph.parameters()),
            macs: None,
            weight_bytes,
            inputs: specs(&graph.inputs),
            outputs: specs(&graph.outputs),
            dims: dims::of_inputs(&graph),
            precisions: vec![precision],
            graph_hash: hash::structure(&graph)?,
            operators: operators(&graph),
            random_weights: graph.shared_weights,
            experts: None,
        };
        let body = Body::Onnx { path: path.to_owned() };
        Ok(Self { info, graph: Arc::new(graph), body, files }.with_macs())
    }

    /// With the files that it was read from.
    pub(crate) fn read_from(self, files: Vec<Stamped>) -> Self {
        Self { files, ..self }
    }

    /// Fills in the multiply-accumulates at the default sizes, where every operator's are known.
    fn with_macs(mut self) -> Self {
        let sizes = self.dims_for(1, None, &BTreeMap::new());
        self.info.macs = sizes.and_then(|sizes| self.costs(&sizes)).ok().and_then(|costs| costs.macs);
        self
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Every file that it was read from, as it was then; none for a preset and a text.
    pub fn files(&self) -> &[Stamped] {
        &self.files
    }

    /// Those of them that an engine reads where they lie; none where Assay writes what an engine reads.
    pub fn files_in_place(&self) -> &[Stamped] {
        match &self.body {
            Body::Described(_) => &[],
            Body::Onnx { .. } => &self.files,
        }
    }

    /// The graph in the model's own precision; described weights have no numbers in it.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The two graphs that text is generated with; none for a model that does not generate any.
    pub fn generation(&self) -> Result<Option<Generation>, ModelError> {
        let Body::Described(described) = &self.body else { return Ok(None) };
        if !described.architecture.generates(described.class.name) {
            return Ok(None);
        }
        let checkpoint = described.open_checkpoint()?.map(|(checkpoint, _)| checkpoint);
        let stage = |stage: Stage| {
            let (name, config) = (format!("{}, {}", self.info.name, stage.label()), described.config.clone());
            Self::described_stage(&name, config, Some(stage), checkpoint.as_ref(), self.info.origin.clone())
        };
        let (prefill, decode) = thread::scope(|scope| {
            let prefill = scope.spawn(|| stage(Stage::Prefill));
            let decode = stage(Stage::Decode);
            (prefill.join().expect("drawing a graph does not panic"), decode)
        });
        Ok(Some(Generation::new(prefill?, decode?)))
    }

    /// How long the prompt is that text is generated from, where nothing else is asked for: the usual length of the
    /// model's first input, or the only one that it has.
    pub fn usual_prompt(&self) -> Option<u32> {
        match self.prompt()? {
            Dimension::Fixed(length) => u32::try_from(*length).ok(),
            Dimension::Free(name) => self.dim(name).map(|dim| dim.default),
        }
    }

    /// Of a model that writes text, the sizes of the image in its prompt, such as how many tokens it is high and wide; none
    /// where it sees no image, or always one of the same size.
    pub fn image_dims(&self) -> impl Iterator<Item = &Dim> {
        let counted = Manner::Answers.length();
        self.info.dims.iter().filter(move |dim| dim.role == DimRole::Other && dim.name != counted)
    }

    /// The free size of this name.
    pub(crate) fn dim(&self, name: &str) -> Option<&Dim> {
        self.info.dims.iter().find(|dim| dim.name == name)
    }

    /// The length of the first input.
    pub(crate) fn prompt(&self) -> Option<&Dimension> {
        self.graph.inputs.first()?.shape.last()
    }

    /// Every free size with its value: what was asked for, else its default. `size` goes to the length of a sound, and where
    /// there is none to text lengths and image edges. [`PADDING`] is among them where texts are to have some.
    pub fn dims_for(
        &self,
        batch: u32,
        size: Option<u32>,
        dims: &BTreeMap<String, u32>,
    ) -> Result<BTreeMap<String, u64>, ModelError> {
        let mut sizes = dims::choose(&self.info.dims, &self.graph, batch, size, dims)?;
        let asked = dims.get(PADDING).copied().filter(|percent| *percent > 0 && self.dim(PADDING).is_none());
        if let Some(percent) = asked {
            padding::check(&self.info, &self.graph, percent, &sizes)?;
            sizes.insert(PADDING.to_owned(), percent.into());
        }
        Ok(sizes)
    }

    /// What one call costs at these sizes, in the model's own precision.
    pub fn costs(&self, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        self.costs_of(&self.graph, dims)
    }

    /// The same of its graph in a precision.
    fn costs_of(&self, graph: &Graph, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        let numbered = match &self.body {
            Body::Described(_) => Numbered::of_drawn(graph),
            Body::Onnx { .. } => Numbered::of(graph),
        };
        Ok(Costs { parameters: self.info.parameters, ..numbered.costs(dims)? })
    }

    /// The same with weights and activations in a precision the model can be had in. Where an engine lowers an ONNX file by
    /// itself, only the bytes of the weights are those of that precision: it reads the file as it is.
    pub fn costs_in(&self, precision: Precision, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        Ok(self.costs_and_disk_bytes(precision, dims)?.0)
    }

    /// The same with [`Model::disk_bytes`], for which the graph is not drawn again.
    pub fn costs_and_disk_bytes(
        &self,
        precision: Precision,
        dims: &BTreeMap<String, u64>,
    ) -> Result<(Costs, u64), ModelError> {
        self.check_precision(precision)?;
        let Body::Described(described) = &self.body else {
            let mut costs = self.costs(dims)?;
            if self.info.lowered().contains(&precision) {
                costs.weight_bytes = self.graph.initializers.iter().map(lowered_bytes).sum();
            }
            return Ok((costs, 0));
        };
        let graph = described.graph_in(&self.graph, precision)?;
        Ok((self.costs_of(&graph, dims)?, weights::disk_bytes(&graph)))
    }

    /// Whether it is the same in f16 and in bf16 but for the number format, and so costs the same.
    pub fn halves_alike(&self) -> bool {
        match &self.body {
            Body::Described(described) => described.halves_alike,
            Body::Onnx { .. } => false,
        }
    }

    /// The output that scores the next word; none for a model that generates no text.
    pub fn scores(&self) -> Option<&str> {
        let Body::Described(described) = &self.body else { return None };
        let generates = described.architecture.generates(described.class.name);
        self.graph.outputs.iter().map(|output| output.name.as_str()).find(|name| generates && *name == "logits")
    }

    /// Class of transformers that it is built as; none for an ONNX file.
    pub fn class(&self) -> Option<&'static str> {
        match &self.body {
            Body::Described(described) => Some(described.class.name),
            Body::Onnx { .. } => None,
        }
    }

    /// The class of its type that generates text; none where no class does, and for an ONNX file.
    pub fn generating_class(&self) -> Option<&'static str> {
        let Body::Described(described) = &self.body else { return None };
        let mut classes = described.architecture.classes().iter().map(|class| class.name);
        classes.find(|class| described.architecture.generates(class))
    }

    /// The configuration as it was written; none for an ONNX file.
    pub fn config_text(&self) -> Option<&str> {
        match &self.body {
            Body::Described(described) => Some(described.config.written()),
            Body::Onnx { .. } => None,
        }
    }

    /// Widths and layers of its configuration, in the order they were read, and the classes its type can be built as.
    pub fn config_sizes(&self) -> (Vec<ConfigSize>, &'static [Class]) {
        match &self.body {
            Body::Described(described) => (described.config.sizes_read(), described.architecture.classes()),
            Body::Onnx { .. } => (Vec::new(), &[]),
        }
    }

    /// Bytes that [`Model::materialize`] would write; 0 where the person's file is used as it is.
    pub fn disk_bytes(&self, precision: Precision) -> u64 {
        match &self.body {
            Body::Described(described) => {
                described.graph_in(&self.graph, precision).map_or(0, |graph| weights::disk_bytes(&graph))
            }
            Body::Onnx { .. } => 0,
        }
    }

    /// Bytes of the weights that [`Model::export_shared`] would write; 0 for an ONNX file.
    pub fn pool_bytes(&self, precision: Precision) -> u64 {
        match &self.body {
            Body::Described(described) => {
                let description = described.draw(&formed(&self.graph, precision));
                description.map_or(0, |description| weights::pool_bytes(&description))
            }
            Body::Onnx { .. } => 0,
        }
    }

    /// Writes (or finds) the ONNX file with its weights in a folder of its own under `dir`.
    ///
    /// `progress` hears bytes done and bytes in all, and ends the work by breaking.
    pub fn materialize(
        &self,
        dir: &Path,
        format: impl Into<Format>,
        seed: u64,
        progress: &mut Progress,
    ) -> Result<Files, ModelError> {
        let format = format.into();
        self.check_precision(format.precision)?;
        let described = match &self.body {
            Body::Described(described) => described,
            Body::Onnx { path } => return Ok(Files::of_person(path)),
        };
        let description = described.draw(&format)?;
        described.with_source(&description, seed, |source| {
            weights::materialize(&description, dir, format.precision, source, progress)
        })
    }

    /// Whether something in `dir` bears its name: nothing else is of it, or of the two graphs that text is generated with.
    pub fn may_lie_in(&self, dir: &Path) -> bool {
        weights::is_named_in(dir, &self.graph.name)
    }

    /// What [`Model::materialize`] would find from an earlier time; none where it would write, and of a person's file.
    pub fn found(&self, dir: &Path, format: impl Into<Format>, seed: u64) -> Result<Option<Files>, ModelError> {
        let format = format.into();
        let Body::Described(described) = &self.body else { return Ok(None) };
        // Spares drawing the graph.
        if !self.may_lie_in(dir) {
            return Ok(None);
        }
        let source = match &described.checkpoint {
            None => Source::Seed(seed),
            Some((_, fingerprint)) => Source::Checkpoint { tensors: &[], fingerprint, files: &[] },
        };
        weights::found(&described.draw(&format)?, dir, format.precision, &source)
    }

    /// Writes (or finds) this model's graph over the weights of another that was materialized in this folder.
    ///
    /// # Errors
    /// Where the two have not the same weights.
    pub(crate) fn materialize_beside(
        &self,
        other: &Model,
        format: &Format,
        folder: &Path,
        file: &str,
    ) -> Result<PathBuf, ModelError> {
        let (Body::Described(own), Body::Described(others)) = (&self.body, &other.body) else {
            let (place, reason) = ("its weights", "only graphs that Assay describes can share them");
            return Err(ModelError::unsupported(&self.info.name, place, reason, "Choose a config.json or a preset"));
        };
        weights::graph_beside(&others.draw(format)?.graph, &own.draw(format)?.graph, folder, file)
    }

    /// Writes (or finds) the f32 model as [`Model::materialize`] does, and beside it the graph that calibrates int8 static.
    pub fn calibration(&self, dir: &Path, seed: u64, progress: &mut Progress) -> Result<Calibration, ModelError> {
        self.check_precision(Precision::Int8Static)?;
        let files = self.materialize(dir, Precision::F32, seed, progress)?;
        let graph = quantize::calibration_graph(&self.graph);
        let onnx = weights::graph_beside(&self.graph, &graph, &files.folder, "calibration.onnx")?;
        Ok(Calibration::new(onnx, self.dims_for(1, None, &BTreeMap::new())?))
    }

    /// The ranges of an earlier calibration, where what [`Model::calibration`] writes is still there with them.
    pub fn calibrated(&self, dir: &Path, seed: u64) -> Option<Ranges> {
        quantize::known_ranges(&self.found(dir, Precision::F32, seed).ok()??.folder)
    }

    /// Writes the ONNX file at `path`, which must not exist yet, and its weights beside it.
    ///
    /// A model that is an ONNX file already is refused.
    pub fn export(
        &self,
        path: &Path,
        format: impl Into<Format>,
        seed: u64,
        progress: &mut Progress,
    ) -> Result<Files, ModelError> {
        let (described, description) = self.to_export(&format.into())?;
        described.with_source(&description, seed, |source| weights::export(&description, path, source, progress))
    }

    /// The same with random weights that share one pool of numbers, little larger than the largest of them. The file says
    /// so of itself: caches and memory differ from real use, so that what is timed on it is a prediction.
    ///
    /// A model with a checkpoint is refused too.
    pub fn export_shared(
        &self,
        path: &Path,
        format: impl Into<Format>,
        seed: u64,
        progress: &mut Progress,
    ) -> Result<Files, ModelError> {
        let (described, description) = self.to_export(&format.into())?;
        if described.checkpoint.is_some() {
            let (place, reason) = ("its weights", "a checkpoint's cannot share a pool, only random ones can");
            return Err(ModelError::unsupported(&self.info.name, place, reason, "Give its config.json alone"));
        }
        weights::export_shared(&description, path, seed, progress)
    }

    fn to_export(&self, format: &Format) -> Result<(&Described, Description), ModelError> {
        let Body::Described(described) = &self.body else {
            let (place, reason) = ("its format", "it is an ONNX file already");
            return Err(ModelError::unsupported(&self.info.name, place, reason, "Choose a config.json or a preset"));
        };
        self.check_precision(format.precision)?;
        Ok((described.as_ref(), described.draw(format)?))
    }

    fn check_precision(&self, asked: Precision) -> Result<(), ModelError> {
        if self.info.precisions.contains(&asked) || self.info.lowered().contains(&asked) {
            return Ok(());
        }
        let known: Vec<&str> = self.info.precisions.iter().map(|precision| precision.label()).collect();
        let reason = match (&self.body, asked.is_quantised()) {
            (Body::Described(_), true) => "too little of its weights are matrices that Assay quantises",
            _ => "this model's weights cannot be had in it",
        };
        let (place, remedy) = (format!("precision {asked}"), format!("Choose {}", known.join(", ")));
        Err(ModelError::unsupported(&self.info.name, place, reason, remedy))
    }
}

/// Bytes of a weight of an ONNX file in f32 that an engine lowers to 16 bits.
fn lowered_bytes(weight: &crate::Initializer) -> u64 {
    if weight.element == Element::F32 { weight.byte_len() / 2 } else { weight.byte_len() }
}

fn specs(values: &[crate::Value]) -> Vec<ValueSpec> {
    let spec = |value: &crate::Value| ValueSpec {
        name: value.name.clone(),
        element: value.element.onnx_name().to_owned(),
        shape: value.shape.iter().map(ToString::to_string).collect(),
    };
    values.iter().map(spec).collect()
}

/// Nodes by operator, most frequent first.
fn operators(graph: &Graph) -> Vec<(String, u32)> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for node in &graph.nodes {
        *counts.entry(&node.op).or_default() += 1;
    }
    let mut counts: Vec<(String, u32)> = counts.into_iter().map(|(op, count)| (op.to_owned(), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

impl Graph {
    /// Numbers of all floating-point and quantised weights; shapes, axes and other bookkeeping do not count.
    pub fn parameters(&self) -> u64 {
        let counts = self.initializers.iter().filter(|one| {
            let bookkeeping = matches!(one.element, Element::I64 | Element::I32 | Element::Bool);
            !bookkeeping && !one.shape.is_empty()
        });
        counts.map(crate::Initializer::len).sum()
    }

    /// Lets go of the numbers of large weights; shapes and other small constants stay.
    fn forget_large_weights(&mut self) {
        for initializer in &mut self.initializers {
            if initializer.byte_len() > onnx::SMALL as u64 {
                initializer.content = Content::Described;
            }
        }
    }
}
