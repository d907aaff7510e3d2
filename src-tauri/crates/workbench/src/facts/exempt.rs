//! Checks that a model type cannot pass by its nature, each with the reason, which the generated test repeats.

use models::transformers::ModelType;
use serde::Serialize;

/// Why a check is left out of a type's test; none where it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exempt {
    /// A batch of two is two of one.
    pub batch: Option<&'static str>,
    /// Masked tokens are not read.
    pub mask: Option<&'static str>,
    /// A step of training lowers the loss.
    pub training: Option<&'static str>,
    /// The processor agrees with itself in doubled precision.
    pub doubled: Option<&'static str>,
    /// Inputs that the output need not depend on.
    pub depends: Vec<&'static str>,
    /// Outputs in which masked tokens show.
    pub shows: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Batch,
    Mask,
    Training,
    Doubled,
}

const EXEMPT: [(&[&str], Check, &str); 28] = [
    (
        &["convbert", "sam3_lite_text", "sam3_lite_text_text_model"],
        Check::Mask,
        "its convolutions mix neighbouring tokens before the mask is looked at",
    ),
    (&["canine"], Check::Mask, "it joins four characters to one before the mask is looked at"),
    (&["deepseek_v4"], Check::Mask, "it joins neighbouring tokens before the mask is looked at"),
    (
        &["fastspeech2_conformer", "fastspeech2_conformer_with_hifigan", "vits"],
        Check::Mask,
        "the length of its output depends on what it reads",
    ),
    (&["clvp"], Check::Mask, "it takes the mean over all tokens"),
    (&["vilt"], Check::Mask, "what it gives of a text stands together with what it gives of a picture"),
    (&["vilt"], Check::Batch, "it draws the order of a picture's patches"),
    (&["mobilebert"], Check::Mask, "it reads each token together with its neighbours"),
    (&["nystromformer"], Check::Mask, "its landmarks are means over all tokens"),
    (&["lightglue"], Check::Batch, "how many points it matches depends on the pictures"),
    (&["mimi"], Check::Batch, "its codes tip over at the smallest difference"),
    (&["xcodec"], Check::Doubled, "its codes tip over at the smallest difference"),
    (&["dac"], Check::Doubled, "what it quantises is taken from large numbers and added again, which costs digits"),
    (&["kyutai_speech_to_text"], Check::Training, "it learns from codes of sound, which no common rule makes"),
    (
        &[
            "dab-detr",
            "fastspeech2_conformer",
            "fastspeech2_conformer_with_hifigan",
            "fsmt",
            "gemma4_audio",
            "inkling2",
            "inkling2_text",
            "mimi",
            "mra",
        ],
        Check::Doubled,
        "its code asks for f32 whatever its weights are",
    ),
    (
        &["canine", "kosmos-2", "prophetnet", "timesfm", "xglm"],
        Check::Doubled,
        "its masks are not finite in doubled precision",
    ),
    (
        &["pp_doclayout_v4", "rt_detr", "rt_detr_v2"],
        Check::Batch,
        "which boxes it looks at tips over at the smallest difference",
    ),
    (&["vits"], Check::Doubled, "what makes sound of its spectrogram enlarges a difference hundreds of times"),
    (
        &["pp_doclayout_v3", "pp_doclayout_v4", "rt_detr", "rt_detr_v2"],
        Check::Doubled,
        "which boxes it looks at tips over at the smallest difference",
    ),
    (&["pixtral"], Check::Batch, "it lines up the patches of all pictures"),
    (&["recurrent_gemma", "rwkv"], Check::Mask, "what passes from token to token knows no mask"),
    (&["blt"], Check::Mask, "it joins bytes to patches before the mask is looked at"),
    (&["dia"], Check::Training, "it learns the codes of nine channels, which no common rule makes"),
    (&["perceiver"], Check::Training, "its heads read text or pictures, and it reads neither"),
    (&["pi0"], Check::Training, "it learns the movements of a robot, which no common rule makes"),
    (&["reformer"], Check::Training, "it goes back through its layers in training mode alone"),
    (&["git"], Check::Training, "without a picture it takes the beginning of the text for one"),
    (&["fsmt"], Check::Training, "it shifts the text that was read, which is longer than the labels"),
];

/// Types, with inputs that make no difference to what they give.
const WITHOUT_EFFECT: [(&[&str], &[&str]); 1] = [
    // It takes rewards, and looks at the returns to go alone.
    (&["decision_transformer"], &["rewards"]),
];

/// Types, with outputs that have a place for each masked token, or are infinite there.
const SHOWING: [(&[&str], &[&str]); 5] = [
    (&["bridgetower"], &["attentions"]),
    (&["grounding-dino", "mm-grounding-dino"], &["enc_outputs_class", "encoder_logits"]),
    (&["udop"], &["encoder_last_hidden_state"]),
    (&["videoprism"], &["text_model_output"]),
    (&["xlnet"], &["mems"]),
];

pub(super) fn exempt(known: &ModelType) -> Exempt {
    let of = |check: Check| {
        let found = EXEMPT.iter().find(|(types, of, _)| *of == check && types.contains(&known.model_type.as_str()));
        found.map(|(_, _, reason)| *reason)
    };
    let listed = |list: &[(&[&str], &'static [&'static str])]| -> Vec<&'static str> {
        let own = list.iter().filter(|(types, _)| types.contains(&known.model_type.as_str()));
        own.flat_map(|(_, names)| names.iter().copied()).collect()
    };
    Exempt {
        batch: of(Check::Batch),
        mask: of(Check::Mask),
        training: of(Check::Training),
        doubled: of(Check::Doubled),
        depends: listed(&WITHOUT_EFFECT),
        shows: listed(&SHOWING),
    }
}
