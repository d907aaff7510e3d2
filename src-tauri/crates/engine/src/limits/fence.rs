//! How the parent ends a worker together with everything the worker started.

use std::process::Child;

/// On Unix the worker leads a process group.
#[cfg(unix)]
pub(crate) struct Fence;

#[cfg(unix)]
impl Fence {
    pub fn around(_worker: &Child, _memory_bytes: u64) -> Self {
        Self
    }

    /// The worker must not have been waited for yet: its id could belong to another process by then.
    pub fn kill(&self, worker: &mut Child) {
        if let Ok(group) = libc::pid_t::try_from(worker.id()) {
            // SAFETY: sends a signal to the group that was made for this worker.
            unsafe {
                libc::killpg(group, libc::SIGKILL);
            }
        }
    }

    /// Whether the worker has ended, without waiting for it: until then its group cannot be anyone else's.
    pub fn has_ended(&self, worker: &Child) -> bool {
        // SAFETY: the system fills the structure, which is plain numbers; nothing else is touched.
        unsafe {
            let mut info = std::mem::zeroed::<libc::siginfo_t>();
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            libc::waitid(libc::P_PID, worker.id(), &mut info, how) == 0 && info.si_signo == libc::SIGCHLD
        }
    }
}

/// On Windows the worker is put into a job object, which bounds its memory and ends with its handle.
#[cfg(windows)]
pub(crate) struct Fence(Option<std::os::windows::io::OwnedHandle>);

#[cfg(windows)]
impl Fence {
    pub fn around(worker: &Child, memory_bytes: u64) -> Self {
        use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
        use windows_sys::Win32::System::JobObjects::{
            AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_JOB_MEMORY,
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
            JobObjectExtendedLimitInformation, SetInformationJobObject,
        };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_JOB_MEMORY;
        // Committed memory is more than what is resident: the parent watches the latter, this catches what outruns it.
        let committed = memory_bytes.saturating_add(memory_bytes / 4).saturating_add(1 << 30);
        limits.JobMemoryLimit = usize::try_from(committed).unwrap_or(usize::MAX);
        // SAFETY: the handle is owned by what is returned; the structure lives through the call that reads it.
        unsafe {
            let job = CreateJobObjectW(std::ptr::null(), std::ptr::null());
            if job.is_null() {
                return Self(None);
            }
            let owned = OwnedHandle::from_raw_handle(job);
            let size = size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() as u32;
            let set = SetInformationJobObject(job, JobObjectExtendedLimitInformation, (&raw const limits).cast(), size);
            let assigned = AssignProcessToJobObject(job, worker.as_raw_handle());
            Self((set != 0 && assigned != 0).then_some(owned))
        }
    }

    pub fn kill(&self, worker: &mut Child) {
        use std::os::windows::io::AsRawHandle;
        match &self.0 {
            // SAFETY: the handle is open as long as it is owned.
            Some(job) => unsafe {
                windows_sys::Win32::System::JobObjects::TerminateJobObject(job.as_raw_handle(), 1);
            },
            // A worker that is gone already cannot be killed again.
            None => drop(worker.kill()),
        }
    }

    pub fn has_ended(&self, worker: &Child) -> bool {
        use std::os::windows::io::AsRawHandle;
        use windows_sys::Win32::{Foundation::WAIT_OBJECT_0, System::Threading::WaitForSingleObject};
        // SAFETY: the handle is open as long as the child is borrowed.
        unsafe { WaitForSingleObject(worker.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }
}
