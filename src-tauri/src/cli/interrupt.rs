//! Ctrl-C and the end signal: the measurement is cancelled, so that no worker outlives the command.

use contract::Failure;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio::{runtime, signal};

/// Calls `then` once when the command is interrupted; a second interruption ends the program at once.
pub fn on_interrupt(then: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::broken("watching for Ctrl-C", e))?;
    thread::spawn(move || {
        runtime.block_on(async {
            interrupted().await;
            then();
            interrupted().await;
            std::process::exit(130);
        });
    });
    Ok(())
}

/// Becomes true when the command is interrupted.
pub fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = flag.clone();
    on_interrupt(move || raised.store(true, Ordering::Relaxed))?;
    Ok(flag)
}

#[cfg(unix)]
async fn interrupted() {
    use signal::unix::{SignalKind, signal};
    let mut end = signal(SignalKind::terminate()).expect("the runtime watches signals");
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = end.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    signal::ctrl_c().await.ok();
}
