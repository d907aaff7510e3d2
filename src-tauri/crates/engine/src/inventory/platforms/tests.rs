use super::*;
use crate::{
    Libraries,
    inventory::{
        adapters::AdapterFacts,
        cpu::Cpu,
        cuda::{CudaAbsence, CudaFacts, CudaGpu},
        hip::HipAbsence,
        host::Host,
        locate, machine_of,
    },
};
use contract::{Machine, Precision};
use jiff::Timestamp;

fn found() -> Found {
    Found {
        host: Host {
            id: "a".into(),
            name: "bench".into(),
            os: "Linux".into(),
            memory_bytes: 16_000_000_000,
            memory_limit_bytes: None,
            usable_cores: Some(8),
        },
        cpu: Cpu { name: "A processor".into(), physical_cores: Some(4), logical_cores: Some(8), ..Cpu::default() },
        cards: Some(Vec::new()),
        engines: vec![engine(
            "onnxruntime",
            "ONNX Runtime",
            vec![target("onnxruntime", Platform::Cpu, "cpu", Availability::Ready)],
        )],
        adapters: Ok(Vec::new()),
        cuda: Ok(Err(CudaAbsence::NoDriver)),
        hip: Ok(Err(HipAbsence::NotInstalled)),
        kfd: None,
        apple_gpus: Vec::new(),
        browsers: Vec::new(),
    }
}

fn engine(id: &str, name: &str, targets: Vec<Target>) -> EngineStatus {
    EngineStatus {
        id: id.into(),
        name: name.into(),
        version: None,
        availability: Availability::Ready,
        library: None,
        offers: Vec::new(),
        targets,
    }
}

fn target(engine: &str, platform: Platform, device: &str, availability: Availability) -> Target {
    Target {
        engine: engine.into(),
        device: device.into(),
        platform,
        device_name: format!("the device {device}"),
        availability,
        precisions: vec![Precision::F32],
        not_ranked: None,
    }
}

/// A machine with one engine on its processor, for tests of other modules.
pub fn machine() -> Machine {
    let found = found();
    Machine {
        id: found.host.id.clone(),
        name: found.host.name.clone(),
        os: found.host.os.clone(),
        cpu: found.cpu.name.clone(),
        physical_cores: 4,
        logical_cores: 8,
        memory_bytes: found.host.memory_bytes,
        platforms: all(&found),
        engines: found.engines,
        browsers: Vec::new(),
        webview: None,
        peaks: Vec::new(),
        peaks_left_out: Vec::new(),
        scanned_at: Timestamp::UNIX_EPOCH,
        changes: Vec::new(),
    }
}

fn of(found: &Found, platform: Platform) -> PlatformStatus {
    all(found).into_iter().find(|status| status.platform == platform).expect("all eight are listed")
}

#[test]
fn all_eight_are_listed_in_order_and_each_missing_one_says_why_and_what_to_do() {
    let platforms = all(&found());
    assert!(platforms.iter().map(|status| status.platform).eq(Platform::LISTED));
    assert_eq!(platforms.len(), 8);
    for status in &platforms {
        if let Availability::Missing { reason, remedy } = &status.availability {
            assert!(reason.len() > 15 && remedy.len() > 15, "{}: {reason} / {remedy}", status.platform);
        }
    }
    let ready: Vec<Platform> =
        platforms.iter().filter(|status| status.availability.is_ready()).map(|status| status.platform).collect();
    assert_eq!(ready, [Platform::Cpu]);
}

#[test]
fn a_machine_has_the_memory_that_its_container_may_use() {
    let within = |limit| {
        let mut found = found();
        found.host.memory_limit_bytes = limit;
        machine_of(found).memory_bytes
    };
    assert_eq!((within(None), within(Some(4_000_000_000))), (16_000_000_000, 4_000_000_000));
}

#[test]
fn a_processor_without_an_engine_is_not_ready() {
    let mut found = found();
    found.engines[0].targets.clear();
    found.engines[0].availability =
        Availability::missing("the library crashed (signal 11)", "put another build in its place");
    let Availability::Missing { reason, .. } = of(&found, Platform::Cpu).availability else {
        panic!("ready without an engine")
    };
    assert_eq!(reason, "the library crashed (signal 11)");
}

#[test]
fn a_gpu_without_an_engine_for_it_is_listed_and_not_ready() {
    let mut found = found();
    let gpu = CudaGpu {
        ordinal: 0,
        name: "NVIDIA H200".into(),
        memory_bytes: 150_000_000_000,
        compute_capability: (9, 0),
        multiprocessors: 132,
        l2_bytes: None,
        bus_bits: None,
        max_mhz: None,
        power_limit_watts: None,
        shares_host_memory: false,
        pci_address: "00000000:01:00.0".into(),
    };
    found.cuda = Ok(Ok(CudaFacts { driver: Some("580.159".into()), cuda: Some("13.0".into()), gpus: vec![gpu] }));
    let cuda = of(&found, Platform::Cuda);
    assert_eq!(cuda.devices.len(), 1);
    assert_eq!(cuda.devices[0].id.0, "cuda:0");
    let Availability::Missing { reason, .. } = cuda.availability else { panic!("ready without an engine") };
    assert!(reason.contains("NVIDIA H200 is ready"), "{reason}");

    found.engines[0].targets.push(target("onnxruntime", Platform::Cuda, "cuda:0", Availability::Ready));
    let mut second = target("onnxruntime", Platform::Cuda, "tensorrt:0", Availability::Ready);
    second.device_name = "TensorRT 0".into();
    found.engines[0].targets.push(second);
    let cuda = of(&found, Platform::Cuda);
    assert!(cuda.availability.is_ready());
    assert_eq!(cuda.devices.len(), 1, "the engine's devices are the driver's, not further ones");
    name_targets(&[cuda], &mut found.engines);
    let names: Vec<&str> = found.engines[0].targets[1..].iter().map(|target| target.device_name.as_str()).collect();
    assert_eq!(
        names,
        ["NVIDIA H200", "NVIDIA H200 through TensorRT"],
        "the driver's name takes the place of the engine's, and two ways to one card stay apart"
    );
}

#[test]
fn a_probe_that_crashed_is_the_reason() {
    let mut found = found();
    found.adapters = Err("the process crashed (signal 11)".into());
    found.cuda = Err("the process crashed (signal 6)".into());
    for (platform, signal) in [(Platform::WebGpu, "signal 11"), (Platform::Cuda, "signal 6")] {
        let Availability::Missing { reason, .. } = of(&found, platform).availability else {
            panic!("{platform} is ready")
        };
        assert!(reason.contains(signal), "{reason}");
    }
}

#[test]
fn a_device_that_only_an_engine_knows_is_listed() {
    let mut found = found();
    let mut emulator = target("onnxruntime-qnn", Platform::Qualcomm, "qnn:htp", Availability::Ready);
    emulator.not_ranked = Some("an emulator".into());
    let npu = target("openvino", Platform::OpenVino, "openvino:NPU", Availability::Ready);
    found.engines.push(engine("openvino", "OpenVINO", vec![npu]));
    found.engines.push(engine("onnxruntime-qnn", "ONNX Runtime (QNN)", vec![emulator]));
    let (qualcomm, openvino) = (of(&found, Platform::Qualcomm), of(&found, Platform::OpenVino));
    assert!(qualcomm.availability.is_ready() && openvino.availability.is_ready());
    assert_eq!(qualcomm.devices[0].kind, DeviceKind::Emulator);
    assert_eq!(openvino.devices[0].kind, DeviceKind::Npu);
}

#[test]
fn the_build_for_qnn_says_why_it_does_not_run() {
    let mut found = found();
    let mut add = |engine_id: &str, reason: &str| {
        let missing = Availability::missing(reason, "a remedy");
        let targets = vec![target(engine_id, Platform::Qualcomm, "qnn:htp", missing)];
        found.engines.push(engine(engine_id, "ONNX Runtime", targets));
    };
    add("onnxruntime", "this build does not offer QNN");
    add("onnxruntime-qnn", "libQnnHtp.so: cannot open shared object file");
    let Availability::Missing { reason, .. } = of(&found, Platform::Qualcomm).availability else {
        panic!("nothing of it runs")
    };
    assert!(reason.contains("libQnnHtp.so"), "{reason}");

    found.engines[1].targets[0].availability = Availability::Ready;
    assert!(of(&found, Platform::Qualcomm).availability.is_ready(), "one that runs is enough");
}

#[test]
fn what_an_engine_was_built_for_and_does_not_find_is_no_device() {
    let mut found = found();
    let missing = Availability::missing("this build has no CUDA provider", "use another build");
    found.engines[0].targets.push(target("onnxruntime", Platform::Cuda, "cuda:0", missing));
    let cuda = of(&found, Platform::Cuda);
    assert!(cuda.devices.is_empty());
    assert!(!cuda.availability.is_ready());
}

fn adapter(id: &str, name: &str, kind: DeviceKind) -> AdapterFacts {
    AdapterFacts {
        id: id.into(),
        name: name.into(),
        interface: "Vulkan".into(),
        kind,
        driver: "Mesa".into(),
        shader_f16: false,
        features: Vec::new(),
        max_buffer_bytes: 1 << 27,
        max_workgroup_invocations: 1024,
        max_workgroup_storage_bytes: 32 << 10,
        subgroup_sizes: (8, 8),
        also_through: vec!["OpenGL".into()],
    }
}

#[test]
fn a_software_adapter_says_that_its_times_are_no_speed() {
    let mut found = found();
    found.adapters = Ok(vec![adapter("vulkan:0", "llvmpipe", DeviceKind::Software)]);
    let webgpu = of(&found, Platform::WebGpu);
    assert!(webgpu.availability.is_ready());
    assert!(webgpu.devices[0].facts.iter().any(|fact| fact.label == "Not a speed"));
}

/// A machine with these adapters and an engine on WebGPU and DirectML.
fn with_graphics(adapters: Vec<AdapterFacts>) -> Machine {
    let mut found = found();
    found.adapters = Ok(adapters);
    let ways = [("webgpu:0", "WebGPU 0"), ("directml:0", "DirectML 0")].map(|(id, name)| Target {
        device_name: name.into(),
        ..target("onnxruntime", Platform::WebGpu, id, Availability::Ready)
    });
    found.engines[0].targets.extend(ways);
    machine_of(found)
}

#[test]
fn an_engine_on_a_software_adapter_has_its_name_and_is_not_ranked() {
    let machine = with_graphics(vec![adapter("vulkan:0", "llvmpipe", DeviceKind::Software)]);
    let targets = &machine.engines[0].targets;
    assert_eq!(targets[0].not_ranked, None, "the processor is what it is");
    let names: Vec<&str> = targets[1..].iter().map(|target| target.device_name.as_str()).collect();
    assert_eq!(names, ["llvmpipe through WebGPU", "llvmpipe through DirectML"]);
    for target in &targets[1..] {
        assert!(target.not_ranked.as_ref().is_some_and(|why| why.contains("a software adapter")), "{target:?}");
        let device = machine.device_of(target).unwrap();
        assert_eq!((device.id.0.as_str(), device.driver.as_deref()), ("vulkan:0", Some("Mesa")));
    }
    assert_eq!(machine.platforms[7].devices.len(), 1, "no further graphics card is made up");
}

#[test]
fn an_engine_beside_a_graphics_card_is_ranked_and_its_device_is_of_the_cards_kind() {
    let software = || adapter("vulkan:1", "llvmpipe", DeviceKind::Software);
    for kind in [DeviceKind::IntegratedGpu, DeviceKind::DiscreteGpu] {
        let machine = with_graphics(vec![adapter("vulkan:0", "a card", kind), software()]);
        let target = &machine.engines[0].targets[1];
        assert_eq!((target.device_name.as_str(), &target.not_ranked), ("WebGPU 0", &None));
        assert_eq!(machine.device_of(target).unwrap().kind, kind, "which of two it takes is not known");
    }
    let alone = with_graphics(vec![adapter("vulkan:0", "a card", DeviceKind::IntegratedGpu)]);
    let target = &alone.engines[0].targets[1];
    assert_eq!((target.device_name.as_str(), &target.not_ranked), ("a card through WebGPU", &None));
}

#[test]
fn remedies_say_where_the_libraries_folder_is() {
    let mut machine = machine();
    machine.platforms[5].availability = Availability::missing("no", "Put it into the libraries folder as it is");
    machine.engines[0].targets[0].availability = Availability::missing("no", "Look into the libraries folder");
    locate(&mut machine, &Libraries { own: Some("/data/libraries".into()), ..Libraries::default() });
    let remedies = [&machine.platforms[5].availability, &machine.engines[0].targets[0].availability].map(|state| {
        let Availability::Missing { remedy, .. } = state else { panic!("{state:?}") };
        remedy.as_str()
    });
    let wanted = [
        "Put it into the libraries folder (/data/libraries) as it is",
        "Look into the libraries folder (/data/libraries)",
    ];
    assert_eq!(remedies, wanted);
}

#[test]
fn what_is_measured_is_said_to_be_kept_from_the_network_or_not() {
    let facts = of(&found(), Platform::Cpu).facts;
    let network = facts.iter().find(|fact| fact.label == "Network").unwrap();
    assert_eq!(network.value.starts_with("refused"), cfg!(target_os = "linux"), "{network:?}");
}

#[test]
fn a_later_answer_of_the_webview_replaces_the_earlier_one() {
    use crate::inventory::merge_webview;
    use contract::{WebGpuFacts, WebViewFacts};
    let mut machine = machine();
    let with =
        WebViewFacts { webgpu: Some(WebGpuFacts::default()), webnn: Some(Vec::new()), ..WebViewFacts::default() };
    merge_webview(&mut machine, &with);
    merge_webview(&mut machine, &with);
    let webview_devices = |machine: &Machine| {
        machine.platforms.iter().flat_map(|status| &status.devices).filter(|d| d.id.0.starts_with("webview:")).count()
    };
    assert_eq!(webview_devices(&machine), 2);
    assert!(machine.platforms[6].availability.is_ready());

    let without = WebViewFacts { webgpu_missing: Some("navigator.gpu is undefined".into()), ..WebViewFacts::default() };
    merge_webview(&mut machine, &without);
    assert_eq!(webview_devices(&machine), 0);
    let Availability::Missing { reason, .. } = &machine.platforms[6].availability else { panic!("WebNN is ready") };
    assert!(reason.contains("no WebNN"), "{reason}");
}
