//! Kernels in PTX: the driver compiles them for its GPU, so no CUDA toolkit is needed.

use cudarc::{
    driver::{CudaContext, CudaFunction, DriverError},
    nvrtc::Ptx,
};
use std::sync::Arc;

pub struct Kernels {
    /// `a = b + 3·c` on four numbers a thread: pointers to a, b, c, and how many fours there are.
    pub triad: CudaFunction,
    pub nothing: CudaFunction,
}

impl Kernels {
    pub fn compile(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        let module = context.load_module(Ptx::from_src(source(context.compute_capability()?)))?;
        Ok(Self { triad: module.load_function("triad")?, nothing: module.load_function("nothing")? })
    }
}

/// A target no newer than the GPU: the driver compiles PTX forward only.
fn source(capability: (i32, i32)) -> String {
    let header = if capability >= (7, 5) { ".version 6.3\n.target sm_75" } else { ".version 6.0\n.target sm_50" };
    format!("{header}\n.address_size 64\n{BODY}")
}

const BODY: &str = "
.visible .entry nothing() { ret; }

.visible .entry triad(.param .u64 p_a, .param .u64 p_b, .param .u64 p_c, .param .u32 p_fours)
{
    .reg .pred %beyond;
    .reg .b32 %r<5>;
    .reg .b64 %rd<9>;
    .reg .f32 %b<4>;
    .reg .f32 %c<4>;
    mov.u32 %r0, %ctaid.x;
    mov.u32 %r1, %ntid.x;
    mov.u32 %r2, %tid.x;
    mad.lo.u32 %r3, %r0, %r1, %r2;
    ld.param.u32 %r4, [p_fours];
    setp.ge.u32 %beyond, %r3, %r4;
    @%beyond bra end;
    ld.param.u64 %rd0, [p_a];
    ld.param.u64 %rd1, [p_b];
    ld.param.u64 %rd2, [p_c];
    cvta.to.global.u64 %rd3, %rd0;
    cvta.to.global.u64 %rd4, %rd1;
    cvta.to.global.u64 %rd5, %rd2;
    mul.wide.u32 %rd6, %r3, 16;
    add.u64 %rd3, %rd3, %rd6;
    add.u64 %rd4, %rd4, %rd6;
    add.u64 %rd5, %rd5, %rd6;
    ld.global.v4.f32 {%b0, %b1, %b2, %b3}, [%rd4];
    ld.global.v4.f32 {%c0, %c1, %c2, %c3}, [%rd5];
    fma.rn.f32 %b0, %c0, 0f40400000, %b0;
    fma.rn.f32 %b1, %c1, 0f40400000, %b1;
    fma.rn.f32 %b2, %c2, 0f40400000, %b2;
    fma.rn.f32 %b3, %c3, 0f40400000, %b3;
    st.global.v4.f32 [%rd3], {%b0, %b1, %b2, %b3};
end:
    ret;
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_never_newer_than_the_gpu() {
        assert!(source((6, 1)).contains(".target sm_50"));
        assert!(source((7, 5)).contains(".target sm_75"));
        assert!(source((9, 0)).contains(".target sm_75"));
    }
}
