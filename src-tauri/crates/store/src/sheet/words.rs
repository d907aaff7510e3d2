//! The platform that the names in other tables tell.

use contract::Platform;

/// The platform that a runtime's name (stronger) or a hardware's name (weaker) tells.
pub fn platform(runtime: &str, hardware: &str) -> Platform {
    find(RUNTIMES, runtime).or_else(|| find(HARDWARE, hardware)).unwrap_or(Platform::Other)
}

const RUNTIMES: &[(Platform, &[&str])] = &[
    (Platform::OpenVino, &["openvino"]),
    (Platform::Qualcomm, &["qnn", "hexagon", "snpe"]),
    (Platform::Cuda, &["cuda", "tensorrt", "trt"]),
    (Platform::Rocm, &["rocm", "migraphx", "hip"]),
    (Platform::Mps, &["mps", "metal", "coreml", "mlx"]),
    (Platform::WebNn, &["webnn"]),
    (Platform::WebGpu, &["webgpu", "wgpu"]),
    (Platform::Cpu, &["cpu"]),
];

const HARDWARE: &[(Platform, &[&str])] = &[
    (
        Platform::Cpu,
        &["cpu", "xeon", "epyc", "ryzen", "threadripper", "core(tm)", "graviton", "ampere altra", "neoverse"],
    ),
    (
        Platform::Cuda,
        &[
            "nvidia", "geforce", "rtx", "gtx", "titan", "quadro", "tesla", "jetson", "a100", "a10g", "a30", "a40",
            "h100", "h200", "b200", "v100", "p100", "l40", "l4", "t4",
        ],
    ),
    (Platform::Rocm, &["radeon", "instinct", "mi100", "mi210", "mi250", "mi250x", "mi300", "mi300x", "mi325x"]),
    (Platform::Mps, &["apple", "iphone", "ipad", "macbook", "m1", "m2", "m3", "m4", "m5"]),
    (
        Platform::Qualcomm,
        &[
            "qualcomm",
            "snapdragon",
            "qcs",
            "qrd",
            "adreno",
            "galaxy s23",
            "galaxy s24",
            "rb3",
            "rb5",
            "sa7255p",
            "sa8255",
            "sa8255p",
            "sa8295p",
            "sa8650",
            "sa8650p",
            "sa8775",
            "sa8775p",
        ],
    ),
    (Platform::OpenVino, &["arc", "iris", "intel uhd", "intel npu"]),
];

fn find(table: &[(Platform, &[&str])], name: &str) -> Option<Platform> {
    let name = name.to_lowercase();
    table.iter().find(|(_, words)| words.iter().any(|word| begins_a_word(&name, word))).map(|(platform, _)| *platform)
}

/// Whether `word` stands in `name` at a word's beginning and, unless a number follows, up to the word's end:
/// `rtx` is in `rtx3090` and in `NVIDIA RTX 4090`, `arc` is not in `search`, `l4` not in `l40s`.
fn begins_a_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + word.len()..].chars().next();
        let starts = before.is_none_or(|c| !c.is_alphanumeric());
        let ends_in_digit = word.ends_with(|c: char| c.is_ascii_digit());
        let ends = after.is_none_or(|c| !c.is_alphanumeric() || (c.is_ascii_digit() && !ends_in_digit));
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_names_tell_their_platform() {
        let cases = [
            ("pytorch-eager-nchw", "rtx3090", Platform::Cuda),
            ("pytorch-eager", "GeForce RTX 2080 Ti (second rig)", Platform::Cuda),
            ("pytorch-eager", "A100-SXM4-40GB", Platform::Cuda),
            ("pytorch-compile-nchw", "cpu-i9_10940x", Platform::Cpu),
            ("tflite", "Samsung Galaxy S24", Platform::Qualcomm),
            ("onnx", "QCS8550 (Proxy)", Platform::Qualcomm),
            ("tflite", "SA8255 (Proxy)", Platform::Qualcomm),
            ("openvino", "Intel(R) Xeon(R) Processor", Platform::OpenVino),
            ("onnxruntime", "AMD Instinct MI300X", Platform::Rocm),
            ("mlx", "something", Platform::Mps),
        ];
        for (runtime, hardware, expected) in cases {
            assert_eq!(platform(runtime, hardware), expected, "{runtime} on {hardware}");
        }
    }

    #[test]
    fn an_unknown_name_is_listed_apart() {
        assert_eq!(platform("tflite", "search engine 7"), Platform::Other);
        assert_eq!(platform("", ""), Platform::Other);
    }
}
