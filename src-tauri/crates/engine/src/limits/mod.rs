//! What keeps a worker in its place: a memory cap, no network, no core dumps, and an end together with its parent.
//!
//! | | Linux | macOS | Windows |
//! | --- | --- | --- | --- |
//! | memory cap | the parent looks every 50 ms; the kernel refuses data beyond the cap and some slack | the parent looks every 50 ms | the job object refuses memory beyond the cap; the parent looks every 50 ms |
//! | no network | the kernel refuses internet sockets | not enforced | not enforced |
//! | ends with its parent | parent-death signal and the end of standard input | the end of standard input | the job object and the end of standard input |

mod device;
mod fence;
mod memory;
#[cfg(target_os = "linux")]
mod network;
mod usage;

pub(crate) use device::device_peak_bytes;
pub(crate) use fence::Fence;
pub(crate) use memory::{kernel_kills, peak_bytes, reset_peak, resident_bytes};
pub(crate) use usage::Usage;

/// Whether this system refuses a worker the internet.
pub const REFUSES_NETWORK: bool = cfg!(target_os = "linux");

/// The same in words, of what is measured.
pub(crate) const NETWORK: &str = if REFUSES_NETWORK {
    "refused to what is measured"
} else {
    "open to what is measured: Assay can close it on Linux only"
};

/// For the log of each measurement.
#[cfg(not(target_os = "linux"))]
fn open_network() -> String {
    "this system keeps nothing that is measured from the network: Assay can do that on Linux only".to_owned()
}

/// Puts the calling process, a worker without threads yet, under its limits. Answers a sentence for each one that the
/// system did not grant.
#[cfg(target_os = "linux")]
pub(crate) fn enter(memory_bytes: u64) -> Vec<String> {
    // SAFETY: each of these takes plain numbers and only bounds the calling process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
    // Where memory runs out in spite of all, the kernel shall take the worker and not the app.
    let chosen_first = std::fs::write("/proc/self/oom_score_adj", "1000").err();
    let no_network = network::deny().err().map(|error| error.to_string());
    let capped = memory::cap(memory_bytes).err();
    let sentence =
        |what: &str, error: Option<String>| Some(format!("{what} was not granted by the system: {}", error?));
    [
        sentence("being the first to end when memory runs out", chosen_first.map(|error| error.to_string())),
        sentence("a worker without network", no_network),
        sentence("a memory cap by the kernel", capped.map(|error| error.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn enter(_memory_bytes: u64) -> Vec<String> {
    // SAFETY: takes plain numbers and only bounds the calling process.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
    vec![open_network()]
}

/// On Windows the parent has put the worker into a job object.
#[cfg(windows)]
pub(crate) fn enter(_memory_bytes: u64) -> Vec<String> {
    vec![open_network()]
}
