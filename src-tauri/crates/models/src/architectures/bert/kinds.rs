//! The model types of the family: names and defaults as transformers has them.

use super::{Defaults, Keys, Kind, Layers, Names, Narrow, Norms, Positions, Segments, Style};
use crate::architectures::Class;

/// The classes of a type: its prefix, then what each is for.
macro_rules! classes {
    ($prefix:literal: $($purpose:ident),+) => { &[$(Class { name: concat!($prefix, stringify!($purpose)), about: about(stringify!($purpose)) }),+] };
}

const fn about(purpose: &str) -> &'static str {
    match purpose.as_bytes() {
        b"ForMaskedLM" => "Reads text and scores every word for each token",
        b"ForPreTraining" => "Reads two texts, scores every word and whether they follow each other",
        b"ForNextSentencePrediction" => "Reads two texts and scores whether they follow each other",
        b"ForSequenceClassification" => "Reads text and sorts it into classes",
        b"ForTokenClassification" => "Reads text and sorts each token into classes",
        b"ForQuestionAnswering" => "Reads a question with a text and marks the answer in it",
        b"QuestionEncoder" => "Reads a question and gives one vector to find texts with",
        _ => "Reads text and gives a vector for each token",
    }
}

const NAMES: Names = Names {
    layers: Layers::Each("encoder.layer"),
    attention: "attention",
    products: ["self.query", "self.key", "self.value", "output.dense"],
    attention_norm: "attention.output.LayerNorm",
    feed_forward: ["intermediate.dense", "output.dense"],
    output_norm: "output.LayerNorm",
};

pub const BERT: Kind = Kind {
    model_type: "bert",
    prefix: "Bert",
    classes: &[
        Class { name: "BertModel", about: "Reads text and gives a vector for each token and one for the whole" },
        Class { name: "BertForMaskedLM", about: about("ForMaskedLM") },
        Class { name: "BertForPreTraining", about: about("ForPreTraining") },
        Class { name: "BertForNextSentencePrediction", about: about("ForNextSentencePrediction") },
        Class { name: "BertForSequenceClassification", about: about("ForSequenceClassification") },
        Class { name: "BertForTokenClassification", about: about("ForTokenClassification") },
        Class { name: "BertForQuestionAnswering", about: about("ForQuestionAnswering") },
    ],
    base: "bert",
    keys: Keys {
        width: "hidden_size",
        inner: "intermediate_size",
        layers: "num_hidden_layers",
        heads: "num_attention_heads",
        activation: "hidden_act",
    },
    defaults: Defaults {
        vocabulary: 30_522,
        width: 768,
        inner: 3072,
        layers: 12,
        heads: 12,
        positions: 512,
        segments: 2,
        activation: "gelu",
        epsilon: 1e-12,
        padding: 0,
    },
    positions: Positions::Counted,
    segments: Segments::Told,
    narrow: None,
    norms: Norms::After,
    names: NAMES,
    relative: false,
    pooler: Some("pooler.dense"),
    heads: Style::Bert,
    off: &[("is_decoder", "the model as a decoder"), ("add_cross_attention", "cross-attention")],
};

pub const ERNIE: Kind = Kind {
    model_type: "ernie",
    prefix: "Ernie",
    classes: classes!("Ernie": Model, ForMaskedLM, ForPreTraining, ForNextSentencePrediction,
        ForSequenceClassification, ForTokenClassification, ForQuestionAnswering),
    base: "ernie",
    off: &[
        ("is_decoder", "the model as a decoder"),
        ("add_cross_attention", "cross-attention"),
        ("use_task_id", "a table of tasks"),
    ],
    ..BERT
};

pub const MEGATRON_BERT: Kind = Kind {
    model_type: "megatron-bert",
    prefix: "MegatronBert",
    classes: classes!("MegatronBert": Model, ForMaskedLM, ForPreTraining, ForNextSentencePrediction,
        ForSequenceClassification, ForTokenClassification, ForQuestionAnswering),
    base: "bert",
    defaults: Defaults { vocabulary: 29_056, width: 1024, inner: 4096, layers: 24, heads: 16, ..BERT.defaults },
    norms: Norms::Before { embeddings: false, last: "encoder.ln" },
    names: Names { attention_norm: "attention.ln", output_norm: "ln", ..NAMES },
    ..BERT
};

pub const BERT_GENERATION: Kind = Kind {
    model_type: "bert-generation",
    prefix: "BertGeneration",
    classes: classes!("BertGeneration": Encoder),
    base: "bert",
    defaults: Defaults { vocabulary: 50_358, width: 1024, inner: 4096, layers: 24, heads: 16, ..BERT.defaults },
    segments: Segments::None,
    pooler: None,
    ..BERT
};

pub const SPLINTER: Kind = Kind {
    model_type: "splinter",
    prefix: "Splinter",
    classes: classes!("Splinter": Model),
    base: "splinter",
    pooler: None,
    ..BERT
};

pub const DPR: Kind = Kind {
    model_type: "dpr",
    prefix: "DPR",
    classes: classes!("DPR": QuestionEncoder),
    base: "question_encoder.bert_model",
    pooler: None,
    ..BERT
};

pub const REMBERT: Kind = Kind {
    model_type: "rembert",
    prefix: "RemBert",
    classes: classes!("RemBert": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "rembert",
    defaults: Defaults { vocabulary: 250_300, width: 1152, inner: 4608, layers: 32, heads: 18, ..BERT.defaults },
    narrow: Some(Narrow {
        key: "input_embedding_size",
        default: 256,
        module: "encoder.embedding_hidden_mapping_in",
        always: true,
    }),
    heads: Style::RemBert,
    ..BERT
};

pub const ELECTRA: Kind = Kind {
    model_type: "electra",
    prefix: "Electra",
    classes: classes!("Electra": Model, ForPreTraining, ForMaskedLM, ForSequenceClassification,
        ForTokenClassification, ForQuestionAnswering),
    base: "electra",
    defaults: Defaults { width: 256, inner: 1024, heads: 4, ..BERT.defaults },
    narrow: Some(Narrow { key: "embedding_size", default: 128, module: "embeddings_project", always: false }),
    pooler: None,
    heads: Style::Electra,
    ..BERT
};

pub const ALBERT: Kind = Kind {
    model_type: "albert",
    prefix: "Albert",
    classes: classes!("Albert": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "albert",
    defaults: Defaults {
        vocabulary: 30_000,
        width: 4096,
        inner: 16_384,
        heads: 64,
        activation: "gelu_new",
        ..BERT.defaults
    },
    narrow: Some(Narrow {
        key: "embedding_size",
        default: 128,
        module: "encoder.embedding_hidden_mapping_in",
        always: true,
    }),
    names: Names {
        layers: Layers::Shared,
        attention: "attention",
        products: ["query", "key", "value", "dense"],
        attention_norm: "attention.LayerNorm",
        feed_forward: ["ffn", "ffn_output"],
        output_norm: "full_layer_layer_norm",
    },
    pooler: Some("pooler"),
    heads: Style::Albert,
    ..BERT
};

pub const DISTILBERT: Kind = Kind {
    model_type: "distilbert",
    prefix: "DistilBert",
    classes: classes!("DistilBert": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "distilbert",
    keys: Keys { width: "dim", inner: "hidden_dim", layers: "n_layers", heads: "n_heads", activation: "activation" },
    defaults: Defaults { layers: 6, ..BERT.defaults },
    segments: Segments::None,
    names: Names {
        layers: Layers::Each("transformer.layer"),
        attention: "attention",
        products: ["q_lin", "k_lin", "v_lin", "out_lin"],
        attention_norm: "sa_layer_norm",
        feed_forward: ["ffn.lin1", "ffn.lin2"],
        output_norm: "output_layer_norm",
    },
    pooler: None,
    heads: Style::DistilBert,
    ..BERT
};

pub const ROBERTA: Kind = Kind {
    model_type: "roberta",
    prefix: "Roberta",
    classes: classes!("Roberta": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "roberta",
    defaults: Defaults { vocabulary: 50_265, padding: 1, ..BERT.defaults },
    positions: Positions::AfterPadding,
    segments: Segments::First,
    heads: Style::Roberta,
    ..BERT
};

/// The part of CLAP that reads.
pub const CLAP_TEXT: Kind = Kind {
    model_type: "clap_text_model",
    prefix: "ClapText",
    classes: classes!("ClapText": Model),
    base: "text_model",
    defaults: Defaults { positions: 514, segments: 1, ..ROBERTA.defaults },
    ..ROBERTA
};

pub const XLM_ROBERTA: Kind = Kind {
    model_type: "xlm-roberta",
    prefix: "XLMRoberta",
    classes: classes!("XLMRoberta": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    defaults: Defaults { vocabulary: 30_522, ..ROBERTA.defaults },
    ..ROBERTA
};

pub const CAMEMBERT: Kind = Kind {
    model_type: "camembert",
    prefix: "Camembert",
    classes: classes!("Camembert": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    ..XLM_ROBERTA
};

pub const DATA2VEC_TEXT: Kind = Kind {
    model_type: "data2vec-text",
    prefix: "Data2VecText",
    classes: classes!("Data2VecText": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "data2vec_text",
    ..XLM_ROBERTA
};

pub const IBERT: Kind = Kind {
    model_type: "ibert",
    prefix: "IBert",
    classes: classes!("IBert": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "ibert",
    off: &[("quant_mode", "arithmetic in whole numbers")],
    ..XLM_ROBERTA
};

pub const XLM_ROBERTA_XL: Kind = Kind {
    model_type: "xlm-roberta-xl",
    prefix: "XLMRobertaXL",
    classes: classes!("XLMRobertaXL": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    defaults: Defaults {
        vocabulary: 250_880,
        width: 2560,
        inner: 10_240,
        layers: 36,
        heads: 32,
        positions: 514,
        segments: 1,
        epsilon: 1e-5,
        ..ROBERTA.defaults
    },
    norms: Norms::Before { embeddings: false, last: "encoder.LayerNorm" },
    names: Names { attention_norm: "attention.self_attn_layer_norm", output_norm: "LayerNorm", ..NAMES },
    ..ROBERTA
};

pub const ROBERTA_PRE_LAYER_NORM: Kind = Kind {
    model_type: "roberta-prelayernorm",
    prefix: "RobertaPreLayerNorm",
    classes: classes!("RobertaPreLayerNorm": Model, ForMaskedLM, ForSequenceClassification,
        ForTokenClassification, ForQuestionAnswering),
    base: "roberta_prelayernorm",
    norms: Norms::Before { embeddings: true, last: "LayerNorm" },
    names: Names { attention_norm: "attention.LayerNorm", output_norm: "intermediate.LayerNorm", ..NAMES },
    ..ROBERTA
};

pub const MPNET: Kind = Kind {
    model_type: "mpnet",
    prefix: "MPNet",
    classes: classes!("MPNet": Model, ForMaskedLM, ForSequenceClassification, ForTokenClassification,
        ForQuestionAnswering),
    base: "mpnet",
    defaults: Defaults { vocabulary: 30_527, ..ROBERTA.defaults },
    segments: Segments::None,
    names: Names { products: ["attn.q", "attn.k", "attn.v", "attn.o"], attention_norm: "attention.LayerNorm", ..NAMES },
    relative: true,
    ..ROBERTA
};
