//! However large a model is, writing it holds a few pieces of its weights in memory. A process of its own, so that nothing
//! else is counted.

use contract::Precision;
use models::Model;
use serde_json::{Map, json};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs::{self, File},
    io::Write,
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The system's allocator, and how much of it is held and was held at most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the same.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WIDTH: usize = 1024;
const INNER: usize = 2048;
const LAYERS: usize = 4;
const WORDS: usize = 8000;
/// Eight threads with some pieces of a megabyte each.
const MOST_HELD: usize = 48 << 20;

fn config() -> String {
    let config = json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": WIDTH, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": WORDS,
        "tie_word_embeddings": false
    });
    config.to_string()
}

/// Names and shapes of a checkpoint of it.
fn tensors() -> Vec<(String, Vec<usize>)> {
    let matrix = |name: &str, outputs, inputs| (format!("{name}.weight"), vec![outputs, inputs]);
    let norm = |name: &str| (format!("{name}.weight"), vec![WIDTH]);
    let layer = |index: usize| {
        let inside = |name: &str| format!("model.layers.{index}.{name}");
        let square = |name: &str| matrix(&inside(name), WIDTH, WIDTH);
        let products = ["q_proj", "k_proj", "v_proj", "o_proj"].map(|name| square(&format!("self_attn.{name}")));
        let wide = ["gate_proj", "up_proj"].map(|name| matrix(&inside(&format!("mlp.{name}")), INNER, WIDTH));
        let down = [matrix(&inside("mlp.down_proj"), WIDTH, INNER)];
        let norms = ["input_layernorm", "post_attention_layernorm"].map(|name| norm(&inside(name)));
        products.into_iter().chain(wide).chain(down).chain(norms)
    };
    let ends = [matrix("model.embed_tokens", WORDS, WIDTH), norm("model.norm"), matrix("lm_head", WORDS, WIDTH)];
    (0..LAYERS).flat_map(layer).chain(ends).collect()
}

/// A checkpoint in bf16, all zeros, which take no room on most disks.
fn checkpoint(folder: &Path) -> Model {
    let (mut header, mut end) = (Map::new(), 0);
    for (name, shape) in tensors() {
        let start = end;
        end += 2 * shape.iter().product::<usize>();
        header.insert(name, json!({"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}));
    }
    let header = json!(header).to_string();
    let mut file = File::create(folder.join("model.safetensors")).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len((8 + header.len() + end) as u64).unwrap();
    fs::write(folder.join("config.json"), config()).unwrap();
    Model::open(folder).unwrap()
}

#[test]
fn a_large_model_is_written_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let described = Model::from_config_text("config.json", &config()).unwrap();
    let read = checkpoint(folder.path());
    for (model, precision) in
        [(&described, Precision::F32), (&described, Precision::Int4), (&read, Precision::F16), (&read, Precision::Int8)]
    {
        let before = HELD.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        let dir = tempfile::tempdir().unwrap();
        let files = model.materialize(dir.path(), precision, 1, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let held = MOST.load(Ordering::Relaxed) - before;
        assert!(files.bytes > MOST_HELD as u64, "{precision}: {} bytes tell nothing", files.bytes);
        assert!(held < MOST_HELD, "{precision}: {held} bytes held for {} written", files.bytes);
    }
}
