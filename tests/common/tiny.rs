//! The small configuration of each model type that is built.

use models::transformers;
use serde_json::{Value, json};
use workbench::TemplateError;

/// The default configuration of a type with few and small layers, the one that templates test with.
pub fn config(model_type: &str) -> Result<Value, TemplateError> {
    let Some(known) = transformers::find(model_type) else {
        return Ok(of_diffusers(model_type));
    };
    let mut config = Value::from(known.config.clone());
    for (key, value) in workbench::facts(model_type)?.tiny {
        config[key] = value;
    }
    match model_type {
        // A layer for each of the images that are joined.
        "dpt" => {
            config["num_hidden_layers"] = json!(4);
            config["backbone_out_indices"] = json!([0, 1, 2, 3]);
        }
        // Few positions have few distances.
        "sew-d" => config["position_buckets"] = json!(32),
        _ => {}
    }
    Ok(config)
}

fn of_diffusers(class: &str) -> Value {
    let unet = json!({
        "_class_name": class, "block_out_channels": [32, 64], "cross_attention_dim": 64, "layers_per_block": 2,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]
    });
    let autoencoder = json!({ "_class_name": class, "block_out_channels": [32], "layers_per_block": 2 });
    if class == "UNet2DConditionModel" { unet } else { autoencoder }
}
