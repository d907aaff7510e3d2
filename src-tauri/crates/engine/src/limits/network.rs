//! A worker makes no connection: the kernel answers "operation not permitted" to internet sockets.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Local sockets stay allowed: graphics drivers talk to the display through them.
///
/// # Errors
/// Where the kernel has no seccomp, or this processor's calls are unknown to the filter.
pub(super) fn deny() -> Result<(), seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let family = |family: libc::c_int| {
        let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family as u64)?;
        SeccompRule::new(vec![is])
    };
    let internet = vec![family(libc::AF_INET)?, family(libc::AF_INET6)?];
    // An io_uring makes sockets without a call of its own; nothing a worker does needs one.
    let rules = [(libc::SYS_socket, internet), (libc::SYS_io_uring_setup, Vec::new())].into_iter().collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()?;
    seccompiler::apply_filter(&filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::ErrorKind, net::TcpStream, os::unix::net::UnixStream, thread};

    /// The filter holds for the thread that asks for it, so this one keeps its network.
    #[test]
    fn internet_sockets_are_refused_and_local_ones_are_not() {
        thread::spawn(|| {
            deny().unwrap();
            assert_eq!(TcpStream::connect("127.0.0.1:9").unwrap_err().kind(), ErrorKind::PermissionDenied);
            assert_eq!(TcpStream::connect("[::1]:9").unwrap_err().kind(), ErrorKind::PermissionDenied);
            UnixStream::pair().unwrap();
        })
        .join()
        .unwrap();
    }
}
