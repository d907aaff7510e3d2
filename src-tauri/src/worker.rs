//! `assay-worker`, which `assay` starts many times: it measures, or renders as `assay-worker renderer`.
//! A program of its own, since the window's libraries would take longer at each start than all else it does there.

use std::{env, process::ExitCode};
use workbench::{Ask, Asked, RENDERER_MEMORY_BYTES};

fn main() -> ExitCode {
    let code = if env::args_os().nth(1).is_some_and(|role| role == "renderer") {
        let mut asked = Asked::default();
        engine::service_main(RENDERER_MEMORY_BYTES, move |ask: Ask| asked.answer(ask))
    } else {
        engine::worker_main()
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
