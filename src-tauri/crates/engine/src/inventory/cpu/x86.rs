//! x86: brand, instruction sets and hypervisor from CPUID; caches too where the system did not list them.

use super::{Cache, CacheKind, Cpu};
use raw_cpuid::{CacheType, CpuId, CpuIdReaderNative, ExtendedFeatures, FeatureInfo};

pub fn complete(cpu: &mut Cpu) {
    let id = CpuId::new();
    cpu.name = id.get_processor_brand_string().map(|brand| brand.as_str().trim().to_owned()).unwrap_or_default();
    cpu.hypervisor = id.get_hypervisor_info().map(|info| format!("a virtual machine ({:?})", info.identify()));
    if cpu.caches.is_empty() {
        cpu.caches = caches(&id, cpu.logical_cores);
    }
    if let (Some(basic), Some(extended)) = (id.get_feature_info(), id.get_extended_feature_info()) {
        cpu.features = features(&basic, &extended, enabled_state(&basic));
    }
}

/// Which register files the operating system saves for programs. Without that an instruction set is there but unusable.
#[derive(Clone, Copy)]
struct EnabledState {
    avx: bool,
    avx512: bool,
    amx: bool,
}

fn enabled_state(basic: &FeatureInfo) -> EnabledState {
    if !basic.has_oxsave() {
        return EnabledState { avx: false, avx512: false, amx: false };
    }
    // SAFETY: OSXSAVE, checked above, is what permits XGETBV of register 0.
    let bits = unsafe { xcr0() };
    let all = |mask: u64| bits & mask == mask;
    EnabledState { avx: all(0b110), avx512: all(0b1110_0110), amx: all(0b11 << 17) }
}

#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: register 0 exists wherever XGETBV does.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}

fn features(basic: &FeatureInfo, extended: &ExtendedFeatures, state: EnabledState) -> Vec<String> {
    let sets = [
        ("sse4.2", basic.has_sse42()),
        ("avx", state.avx && basic.has_avx()),
        ("f16c", state.avx && basic.has_f16c()),
        ("fma", state.avx && basic.has_fma()),
        ("avx2", state.avx && extended.has_avx2()),
        ("avx-vnni", state.avx && extended.has_avx_vnni()),
        ("avx-vnni-int8", state.avx && extended.has_avx_vnni_int8()),
        ("avx-ifma", state.avx && extended.has_avx_ifma()),
        ("avx-ne-convert", state.avx && extended.has_avx_ne_convert()),
        ("avx512f", state.avx512 && extended.has_avx512f()),
        ("avx512dq", state.avx512 && extended.has_avx512dq()),
        ("avx512bw", state.avx512 && extended.has_avx512bw()),
        ("avx512vl", state.avx512 && extended.has_avx512vl()),
        ("avx512-vnni", state.avx512 && extended.has_avx512vnni()),
        ("avx512-bf16", state.avx512 && extended.has_avx512_bf16()),
        ("avx512-fp16", state.avx512 && extended.has_avx512_fp16()),
        ("avx512-vbmi", state.avx512 && extended.has_avx512vbmi()),
        ("avx10", state.avx512 && extended.has_avx10()),
        ("amx-tile", state.amx && extended.has_amx_tile()),
        ("amx-int8", state.amx && extended.has_amx_int8()),
        ("amx-bf16", state.amx && extended.has_amx_bf16()),
    ];
    sets.into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_owned()).collect()
}

fn caches(id: &CpuId<CpuIdReaderNative>, logical_cores: Option<u32>) -> Vec<Cache> {
    let listed = id.get_cache_parameters().into_iter().flatten();
    listed
        .filter_map(|cache| {
            let kind = match cache.cache_type() {
                CacheType::Data => CacheKind::Data,
                CacheType::Instruction => CacheKind::Instruction,
                CacheType::Unified => CacheKind::Unified,
                CacheType::Null | CacheType::Reserved => return None,
            };
            let bytes = (cache.sets() * cache.associativity() * cache.coherency_line_size()) as u64;
            let sharing = u32::try_from(cache.max_cores_for_cache()).unwrap_or(1).max(1);
            let instances = logical_cores.map_or(1, |cores| cores.div_ceil(sharing).max(1));
            Some(Cache { level: cache.level(), kind, bytes, instances })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_instruction_set_is_listed_that_programs_cannot_use() {
        let mut cpu = Cpu::default();
        complete(&mut cpu);
        let listed = |name: &str| cpu.features.iter().any(|feature| feature == name);
        assert_eq!(listed("avx2"), std::arch::is_x86_feature_detected!("avx2"));
        assert_eq!(listed("fma"), std::arch::is_x86_feature_detected!("fma"));
        assert_eq!(listed("avx512f"), std::arch::is_x86_feature_detected!("avx512f"));
        assert_eq!(listed("avx512-bf16"), std::arch::is_x86_feature_detected!("avx512bf16"));
    }
}
