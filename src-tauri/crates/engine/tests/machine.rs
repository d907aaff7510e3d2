//! The inventory and the measured ceilings of the machine that runs the tests, in real worker processes.

mod bench;

use bench::{installed, program};
use contract::{Availability, Machine, PeakKind, Platform, Precision};
use engine::{Ceilings, Control, Libraries, PeaksError, Program, measure_peaks, scan};
use std::{
    collections::HashSet,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// Peaks are a share of what others leave free.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn this_machine() -> Machine {
    scan(&Libraries::find(&[]), &program())
}

#[test]
fn a_scan_lists_all_eight_platforms_and_every_usable_target_has_its_device() {
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let machine = this_machine();
    assert!(machine.platforms.iter().map(|status| status.platform).eq(Platform::LISTED));
    assert!(machine.platforms[0].availability.is_ready(), "{:?}", machine.platforms[0].availability);
    assert!(machine.logical_cores >= machine.physical_cores && machine.physical_cores >= 1);
    for target in machine.targets().filter(|target| target.availability.is_ready()) {
        let devices = machine.platforms.iter().filter(|status| status.platform == target.platform);
        let known = devices.flat_map(|status| &status.devices).any(|device| device.is_called(&target.device));
        assert!(known, "{} on {} has no device", target.engine, target.device);
    }
}

#[test]
fn a_scan_whose_every_worker_crashes_still_lists_all_eight_with_the_reason() {
    let crashing = Program { path: "/bin/sh".into(), args: vec!["-c".to_owned(), "kill -SEGV $$".to_owned()] };
    if cfg!(windows) {
        println!("skipped: there is no such shell on Windows");
        return;
    }
    let machine = scan(&Libraries::find(&[]), &crashing);
    assert_eq!(machine.platforms.len(), 8);
    assert!(!machine.engines.is_empty());
    for engine in &machine.engines {
        let Availability::Missing { reason, .. } = &engine.availability else { panic!("{} is ready", engine.name) };
        assert!(reason.contains("SIGSEGV") || reason.contains("signal 11"), "{reason}");
    }
    let Availability::Missing { reason, .. } = &machine.platforms[7].availability else { panic!("WebGPU is ready") };
    assert!(reason.contains("driver failed"), "{reason}");
}

#[test]
fn where_the_worker_is_missing_no_library_is_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let machine = scan(&Libraries::find(&[]), &Program { path: folder.path().join("assay-worker"), args: Vec::new() });
    for engine in &machine.engines {
        let Availability::Missing { reason, remedy } = &engine.availability else { panic!("{} is ready", engine.name) };
        assert!(reason.contains("assay-worker") && remedy.contains("install it again"), "{reason} {remedy}");
    }
}

#[test]
fn a_file_that_is_no_library_is_missing_and_the_scan_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("onnxruntime-broken");
    std::fs::create_dir(&place).unwrap();
    for name in ["libonnxruntime.so.1", "libonnxruntime.dylib", "onnxruntime.dll"] {
        std::fs::write(place.join(name), "not a library").unwrap();
    }
    let plugin = if cfg!(windows) { "onnxruntime_providers_qnn.dll" } else { "libonnxruntime_providers_qnn.so" };
    let place = folder.path().join("onnxruntime-qnn");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join(plugin), "no plug-in").unwrap();
    let machine = scan(&Libraries { folders: vec![folder.path().to_path_buf()], own: None }, &program());
    let broken = machine.engines.iter().find(|engine| engine.id.0 == "onnxruntime-broken").unwrap();
    assert!(!broken.availability.is_ready(), "{broken:?}");
    let reason = |availability: &Availability| match availability {
        Availability::Missing { reason, .. } => reason.clone(),
        Availability::Ready => panic!("a text runs"),
    };
    let plugged_in = machine.engines.iter().find(|engine| engine.id.0 == "onnxruntime-qnn").unwrap();
    let said = reason(&plugged_in.availability);
    let runtime = installed("onnxruntime");
    assert!(said.contains(if runtime { plugin } else { "plain ONNX Runtime" }), "{said}");
    assert_eq!(reason(&machine.platforms[5].availability), said, "Qualcomm says what its build says");
    assert!(machine.platforms[0].availability.is_ready(), "candle needs no library");
}

#[test]
fn the_machine_is_measured_within_a_minute_with_true_progress() {
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let machine = this_machine();
    let begun = Instant::now();
    let mut progress = Vec::new();
    let told = measure_peaks(&program(), &machine, &Control::default(), &mut |step| progress.push(step)).unwrap();
    let Ceilings { peaks, left_out } = told;
    assert!(begun.elapsed() < Duration::from_secs(62), "took {:?}", begun.elapsed());
    for step in &progress {
        println!("{:3.0} % {}", step.done * 100.0, step.doing);
    }
    for peak in &peaks {
        println!(
            "{} {:?} {:?} {:?}: {:.4e} ({})",
            peak.device, peak.kind, peak.precision, peak.threads, peak.best, peak.method
        );
    }
    assert!(progress.windows(2).all(|pair| pair[0].done <= pair[1].done), "progress goes back");
    assert!(progress.iter().all(|step| (0.0..=1.0).contains(&step.done) && step.remaining_secs >= 0.0));

    let usable = thread::available_parallelism().unwrap().get();
    let all = Some(machine.physical_cores.min(u32::try_from(usable).unwrap()));
    let of_cpu = |kind, precision, threads| {
        let same = |peak: &&contract::Peak| {
            peak.device.0 == "cpu" && peak.kind == kind && peak.precision == precision && peak.threads == threads
        };
        peaks.iter().find(same).map(|peak| peak.best)
    };
    let is_left_out = |what: &str, why: &str| left_out.iter().any(|told| told.starts_with(what) && told.ends_with(why));
    assert!(left_out.iter().all(|told| progress.iter().any(|step| step.doing == *told)), "{left_out:?}");
    match of_cpu(PeakKind::MemoryBandwidth, None, all) {
        Some(bandwidth) => assert!((1e9..1e13).contains(&bandwidth), "{bandwidth} bytes/s"),
        None => assert!(is_left_out("memory bandwidth", "larger ones would take too much memory")),
    }
    // Other processors may have products of f16.
    if cfg!(target_arch = "x86_64") {
        assert!(is_left_out("f16 matrix rate", "the gemm crate multiplies f16 in f32 on this processor"));
    }
    let rate = of_cpu(PeakKind::MatrixRate, Some(Precision::F32), all).unwrap();
    assert!((1e9..1e15).contains(&rate), "{rate} operations/s");
    let launch = of_cpu(PeakKind::LaunchOverhead, None, all).unwrap();
    assert!((1e-8..1e-1).contains(&launch), "{launch} s");
    assert!(of_cpu(PeakKind::LaunchOverhead, None, Some(1)).is_some());
    let rates = peaks.iter().filter(|peak| peak.device.0 == "cpu" && peak.kind == PeakKind::MatrixRate);
    for rate in rates.filter(|rate| rate.threads == all) {
        assert!(of_cpu(rate.kind, rate.precision, Some(1)).is_some(), "one thread has no rate in {:?}", rate.precision);
    }

    let ceilings: HashSet<_> =
        peaks.iter().map(|p| (p.device.clone(), format!("{:?}", p.kind), p.precision, p.threads)).collect();
    assert_eq!(ceilings.len(), peaks.len(), "a ceiling has two figures");
    for peak in &peaks {
        assert!(peak.low <= peak.median && peak.median <= peak.high && peak.samples >= 3, "{peak:?}");
    }
}

#[test]
fn a_cancelled_measurement_ends_within_a_second() {
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let machine = this_machine();
    let control = Control::default();
    let (begun, remote) = (Instant::now(), control.clone());
    let cancelled = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1500));
        remote.cancel();
        Instant::now()
    });
    let ended = measure_peaks(&program(), &machine, &control, &mut |_| {});
    assert!(matches!(ended, Err(PeaksError::Cancelled)), "{ended:?} after {:?}", begun.elapsed());
    assert!(cancelled.join().unwrap().elapsed() < Duration::from_secs(1));
}
