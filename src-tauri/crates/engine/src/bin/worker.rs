//! A worker without a window: what the engine's own tests start.

fn main() {
    std::process::exit(engine::worker_main());
}
