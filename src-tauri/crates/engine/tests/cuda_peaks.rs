//! The ceilings of an NVIDIA GPU. Counted as ignored, with the reason, on a machine without one.
//!
//! The program is its own worker, so that its one file can be carried to a machine with a GPU and run there.

use contract::{Availability, Machine, Peak, PeakKind, Platform, Precision};
use engine::{Control, Libraries, Program, measure_peaks, scan, worker_main};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return ExitCode::from(u8::try_from(worker_main()).unwrap_or(1));
    }
    let arguments = Arguments::from_args();
    let path = std::env::current_exe().expect("the system knows which file this program is");
    let program = Program { path, args: vec!["worker".to_owned()] };
    let machine = scan(&Libraries::find(&[]), &program);
    let cuda = machine.platforms.iter().find(|status| status.platform == Platform::Cuda).expect("all eight are listed");
    let absent = match &cuda.availability {
        Availability::Missing { reason, .. } if cuda.devices.is_empty() => Some(reason.clone()),
        Availability::Missing { .. } | Availability::Ready => None,
    };
    let mut trial = Trial::test("the_ceilings_of_an_nvidia_gpu_are_measured_and_its_products_are_right", move || {
        measured(&machine, &program)
    });
    if let Some(reason) = absent {
        trial = trial.with_kind(reason).with_ignored_flag(true);
    }
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn measured(machine: &Machine, program: &Program) -> Result<(), Failed> {
    for fact in machine.platforms.iter().flat_map(|status| &status.devices).filter(|d| d.platform == Platform::Cuda) {
        println!("{fact:#?}");
    }
    let mut said = Vec::new();
    let peaks = measure_peaks(program, machine, &Control::default(), &mut |step| said.push(step.doing))?.peaks;
    for step in &said {
        println!("{step}");
    }
    for peak in &peaks {
        let Peak { device, kind, precision, threads, best, median, low, high, samples, method, .. } = peak;
        println!(
            "{device} {kind:?} {precision:?} {threads:?}: best {best:.4e}, median {median:.4e} [{low:.4e}, {high:.4e}], n = {samples}; {method}"
        );
    }
    let best = |kind, precision: Option<Precision>| {
        let of_gpu = peaks.iter().filter(|peak| peak.platform == Platform::Cuda);
        of_gpu.filter(|peak| peak.kind == kind && peak.precision == precision).map(|peak| peak.best).reduce(f64::max)
    };
    // Below what any GPU with CUDA does, and above what any does.
    let expected = [
        (PeakKind::MemoryBandwidth, None, 1e10..1e14),
        (PeakKind::LaunchOverhead, None, 1e-7..1e-2),
        (PeakKind::MatrixRate, Some(Precision::F32), 1e11..1e16),
        (PeakKind::MatrixRate, Some(Precision::F16), 1e11..1e17),
        (PeakKind::MatrixRate, Some(Precision::Bf16), 1e11..1e17),
        (PeakKind::MatrixRate, Some(Precision::Int8), 1e11..1e17),
    ];
    let problems: Vec<String> = expected
        .into_iter()
        .filter_map(|(kind, precision, range)| match best(kind, precision) {
            Some(figure) if range.contains(&figure) => None,
            Some(figure) => Some(format!("{kind:?} {precision:?} is {figure:e}, outside {range:?}")),
            None => Some(format!("{kind:?} {precision:?} was not measured")),
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(format!("{}\n{}", problems.join("\n"), said.join("\n"))))
    }
}
