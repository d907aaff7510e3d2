//! Linux on Arm: the processor's name and instruction sets from `/proc/cpuinfo`, which prints the kernel's HWCAP words.

use super::Cpu;
use std::collections::{BTreeMap, BTreeSet};

/// Instruction sets that matter for inference: the kernel's word, and the one shown.
const SETS: [(&str, &str); 13] = [
    ("asimd", "neon"),
    ("asimdhp", "fp16"),
    ("fphp", "fp16-scalar"),
    ("asimddp", "dotprod"),
    ("asimdfhm", "fhm"),
    ("i8mm", "i8mm"),
    ("bf16", "bf16"),
    ("sve", "sve"),
    ("sve2", "sve2"),
    ("svei8mm", "sve-i8mm"),
    ("svebf16", "sve-bf16"),
    ("sme", "sme"),
    ("sme2", "sme2"),
];

pub fn complete(mut cpu: Cpu, text: &str) -> Cpu {
    let field = |wanted: &str| -> Vec<&str> {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.trim() == wanted).map(|(_, value)| value.trim()).collect()
    };
    // Only what every core has can be used by a thread that moves between them.
    let mut common: Option<BTreeSet<&str>> = None;
    for line in field("Features") {
        let words: BTreeSet<&str> = line.split_whitespace().collect();
        common = Some(common.map_or(words.clone(), |common| common.intersection(&words).copied().collect()));
    }
    let common = common.unwrap_or_default();
    cpu.features =
        SETS.iter().filter(|(word, _)| common.contains(word)).map(|(_, shown)| (*shown).to_owned()).collect();

    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for (implementer, part) in field("CPU implementer").into_iter().zip(field("CPU part")) {
        *kinds.entry(core_name(implementer, part)).or_default() += 1;
    }
    let model = field("model name").into_iter().chain(field("Hardware")).next();
    cpu.name = model.map_or_else(|| kinds.keys().cloned().collect::<Vec<_>>().join(" + "), str::to_owned);
    if kinds.len() > 1 {
        cpu.core_kinds = Some(kinds.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", "));
    }
    cpu
}

/// Names of the cores met in computers that run models; others keep their numbers, which can be looked up.
fn core_name(implementer: &str, part: &str) -> String {
    let name = match (implementer, part) {
        ("0x41", "0xd08") => "Cortex-A72",
        ("0x41", "0xd0b") => "Cortex-A76",
        ("0x41", "0xd05") => "Cortex-A55",
        ("0x41", "0xd41") => "Cortex-A78",
        ("0x41", "0xd42") => "Cortex-A78AE",
        ("0x41", "0xd44") => "Cortex-X1",
        ("0x41", "0xd48") => "Cortex-X2",
        ("0x41", "0xd0c") => "Neoverse N1",
        ("0x41", "0xd49") => "Neoverse N2",
        ("0x41", "0xd40") => "Neoverse V1",
        ("0x41", "0xd4f") => "Neoverse V2",
        ("0xc0", "0xac3" | "0xac4") => "Ampere-1",
        ("0x51", "0x001") => "Qualcomm Oryon",
        _ => return format!("Arm core {implementer}/{part}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_KINDS: &str = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n\
        processor\t: 1\nFeatures\t: fp asimd asimdhp asimddp i8mm bf16 sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd41\n";

    #[test]
    fn only_what_every_core_has_is_listed() {
        let cpu = complete(Cpu::default(), TWO_KINDS);
        assert_eq!(cpu.features, ["neon", "fp16", "dotprod"]);
        assert_eq!(cpu.name, "Cortex-A55 + Cortex-A78");
        assert_eq!(cpu.core_kinds.as_deref(), Some("1 Cortex-A55, 1 Cortex-A78"));
    }

    #[test]
    fn a_server_core_tells_its_matrix_extensions() {
        let text = "Features : fp asimd asimdhp asimddp sve i8mm bf16 svei8mm svebf16\nCPU implementer : 0x41\nCPU part : 0xd40\n";
        let cpu = complete(Cpu::default(), text);
        assert_eq!(cpu.features, ["neon", "fp16", "dotprod", "i8mm", "bf16", "sve", "sve-i8mm", "sve-bf16"]);
        assert_eq!(cpu.name, "Neoverse V1");
        assert_eq!(cpu.core_kinds, None);
    }

    #[test]
    fn an_unknown_core_keeps_its_numbers() {
        assert_eq!(complete(Cpu::default(), "CPU implementer : 0x61\nCPU part : 0x099\n").name, "Arm core 0x61/0x099");
    }

    #[test]
    fn an_empty_file_lists_nothing() {
        assert_eq!(complete(Cpu::default(), ""), Cpu::default());
    }
}
