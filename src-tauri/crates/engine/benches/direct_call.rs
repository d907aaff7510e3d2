//! What one call of ONNX Runtime costs with nothing of Assay around it: the yardstick of `cargo xtask bench overhead`.
//!
//! Arguments: library, model with one f32 input of 16 elements. Prints nanoseconds a call as JSON.

use ort::{AsPointer, session::Session, sys, value::Tensor};
use std::{
    ffi::CString,
    hint::black_box,
    path::PathBuf,
    ptr::{null, null_mut},
    time::Instant,
};

/// The clock is read once a block, so that reading it is no part of a call.
const CALLS_A_BLOCK: u32 = 20_000;
const BLOCKS: usize = 51;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from);
    let (Some(library), Some(model)) = (arguments.next(), arguments.next()) else {
        println!("usage: direct_call LIBRARY MODEL");
        return Ok(());
    };
    let environment = ort::init_from(library)?.build()?;
    let mut builder = Session::builder(&environment)?.with_intra_threads(1)?.with_inter_threads(1)?;
    let session = builder.commit_from_file(model)?;
    let input = Tensor::from_array(([1_usize, 16], vec![0.5_f32; 16]))?;
    let names = [CString::new("x")?, CString::new("y")?];

    let mut blocks: Vec<f64> = Vec::with_capacity(BLOCKS);
    for _ in 0..BLOCKS {
        let start = Instant::now();
        for _ in 0..CALLS_A_BLOCK {
            call(&session, &names, &input)?;
        }
        blocks.push(start.elapsed().as_nanos() as f64 / f64::from(CALLS_A_BLOCK));
    }
    blocks.sort_by(f64::total_cmp);
    println!("{{\"call_ns\": {}, \"blocks\": {BLOCKS}}}", blocks[BLOCKS / 2]);
    Ok(())
}

/// The C interface's own `Run`, and giving its output back.
fn call(session: &Session, names: &[CString; 2], input: &Tensor<f32>) -> Result<(), ort::Error> {
    let api = ort::api();
    let mut output: *mut sys::OrtValue = null_mut();
    // SAFETY: session, names and input outlive the call, each list has one element, and the output is released once.
    unsafe {
        let (inputs, outputs) = ([names[0].as_ptr()], [names[1].as_ptr()]);
        let values = [input.ptr()];
        let run = api.Run;
        let status = run(
            session.ptr().cast_mut(),
            null(),
            inputs.as_ptr(),
            values.as_ptr(),
            1,
            outputs.as_ptr(),
            1,
            &mut output,
        );
        ort::Error::result_from_status(status)?;
        (api.ReleaseValue)(black_box(output));
    }
    Ok(())
}
