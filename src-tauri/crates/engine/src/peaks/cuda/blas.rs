//! cuBLAS, loaded from where CUDA or an engine keeps it: any version from 11 on, since what is used has not changed.

use cudarc::driver::CudaStream;
use libloading::Library;
use std::{
    ffi::{c_int, c_void},
    path::PathBuf,
    sync::Arc,
};

const NAMES: &[&str] = if cfg!(windows) {
    &["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"]
} else {
    &["libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"]
};

const USUAL: &[&str] =
    if cfg!(windows) { &[] } else { &["/usr/local/cuda/lib64", "/opt/cuda/lib64", "/usr/lib/x86_64-linux-gnu"] };

type Handle = *mut c_void;
type Create = unsafe extern "C" fn(*mut Handle) -> c_int;
type Destroy = unsafe extern "C" fn(Handle) -> c_int;
type SetStream = unsafe extern "C" fn(Handle, *mut c_void) -> c_int;
type GetVersion = unsafe extern "C" fn(Handle, *mut c_int) -> c_int;
type GemmEx = unsafe extern "C" fn(
    Handle,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    *const c_void,
    *const c_void,
    c_int,
    c_int,
    *const c_void,
    c_int,
    c_int,
    *const c_void,
    *mut c_void,
    c_int,
    c_int,
    c_int,
    c_int,
) -> c_int;

#[derive(Clone, Debug, thiserror::Error)]
pub enum BlasError {
    #[error("cuBLAS is not installed; it comes with CUDA and with the GPU builds of the engines")]
    NotInstalled,
    #[error("cuBLAS does not load: {0}")]
    Unloadable(String),
    #[error("cuBLAS returned status {status} from {call}")]
    Refused { call: &'static str, status: c_int },
}

/// Number formats and arithmetic, by the numbers cuBLAS gives them (`library_types.h`, `cublas_api.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    factors: c_int,
    product: c_int,
    sums: c_int,
    /// Bytes of the scale factors' format.
    scale: Scale,
    pub words: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    F32,
    F16,
    I32,
}

const R_32F: c_int = 0;
const R_16F: c_int = 2;
const R_8I: c_int = 3;
const R_32I: c_int = 10;
const R_16BF: c_int = 14;
const COMPUTE_16F: c_int = 64;
const COMPUTE_32F: c_int = 68;
const COMPUTE_32I: c_int = 72;
const COMPUTE_32F_FAST_TF32: c_int = 77;

impl Arithmetic {
    pub const F32: Self = Self::floats(R_32F, COMPUTE_32F, "plain f32");
    pub const TF32: Self =
        Self::floats(R_32F, COMPUTE_32F_FAST_TF32, "f32 rounded to TF32, as engines do unless told otherwise");
    pub const F16: Self = Self::floats(R_16F, COMPUTE_32F, "f16 with f32 sums");
    pub const F16_SUMS: Self =
        Self { factors: R_16F, product: R_16F, sums: COMPUTE_16F, scale: Scale::F16, words: "f16 with f16 sums" };
    pub const BF16: Self = Self::floats(R_16BF, COMPUTE_32F, "bf16 with f32 sums");
    pub const INT8: Self =
        Self { factors: R_8I, product: R_32I, sums: COMPUTE_32I, scale: Scale::I32, words: "int8 with int32 sums" };

    const fn floats(format: c_int, sums: c_int, words: &'static str) -> Self {
        Self { factors: format, product: format, sums, scale: Scale::F32, words }
    }
}

pub struct Blas {
    handle: Handle,
    gemm: GemmEx,
    destroy: Destroy,
    /// Keeps the functions above in memory, and the stream they run on alive.
    _library: Library,
    _stream: Arc<CudaStream>,
    pub version: String,
}

impl Blas {
    /// Its work runs on `stream`, whose context must be current.
    pub fn open(folders: &[PathBuf], stream: &Arc<CudaStream>) -> Result<Self, BlasError> {
        let library = load(folders)?;
        let missing = |error: libloading::Error| BlasError::Unloadable(error.to_string());
        // SAFETY: the types are those of cuBLAS's header, unchanged since version 11.
        unsafe {
            let create = *library.get::<Create>(b"cublasCreate_v2").map_err(missing)?;
            let set_stream = *library.get::<SetStream>(b"cublasSetStream_v2").map_err(missing)?;
            let get_version = *library.get::<GetVersion>(b"cublasGetVersion_v2").map_err(missing)?;
            let gemm = *library.get::<GemmEx>(b"cublasGemmEx").map_err(missing)?;
            let destroy = *library.get::<Destroy>(b"cublasDestroy_v2").map_err(missing)?;
            let mut handle: Handle = std::ptr::null_mut();
            accepted("cublasCreate", create(&raw mut handle))?;
            // Made at once, so that what follows frees the handle where it fails.
            let mut blas =
                Self { handle, gemm, destroy, _library: library, _stream: Arc::clone(stream), version: String::new() };
            accepted("cublasSetStream", set_stream(handle, stream.cu_stream().cast()))?;
            let mut version = 0;
            accepted("cublasGetVersion", get_version(handle, &raw mut version))?;
            // 120804 is 12.8.4.
            blas.version = format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100);
            Ok(blas)
        }
    }

    /// One n × n × n product. The left factor is read with its rows in sequence, the right one with its columns, and the
    /// product is written with its columns in sequence: the order that every format supports.
    ///
    /// # Safety
    /// The three addresses must lead to n × n numbers of the formats of `arithmetic`, on the stream's device, until the
    /// stream was waited for.
    pub unsafe fn multiply(
        &self,
        n: usize,
        arithmetic: Arithmetic,
        left: u64,
        right: u64,
        product: u64,
    ) -> Result<(), BlasError> {
        const TRANSPOSED: c_int = 1;
        const AS_IT_IS: c_int = 0;
        const DEFAULT: c_int = -1;
        let edge = n as c_int;
        let (one, zero) = (Scalar::one(arithmetic.scale), Scalar::ZERO);
        // SAFETY: the caller's promise; the scale factors live through the call, which reads them before it returns.
        let status = unsafe {
            (self.gemm)(
                self.handle,
                TRANSPOSED,
                AS_IT_IS,
                edge,
                edge,
                edge,
                (&raw const one).cast(),
                left as *const c_void,
                arithmetic.factors,
                edge,
                right as *const c_void,
                arithmetic.factors,
                edge,
                (&raw const zero).cast(),
                product as *mut c_void,
                arithmetic.product,
                edge,
                arithmetic.sums,
                DEFAULT,
            )
        };
        accepted("cublasGemmEx", status)
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: the handle was made by this library and is used no more.
        unsafe { (self.destroy)(self.handle) };
    }
}

/// Four bytes that hold a scale factor in any of its formats.
#[repr(C, align(8))]
struct Scalar([u8; 4]);

impl Scalar {
    const ZERO: Self = Self([0; 4]);

    fn one(scale: Scale) -> Self {
        match scale {
            Scale::F32 => Self(1.0_f32.to_ne_bytes()),
            Scale::I32 => Self(1_i32.to_ne_bytes()),
            Scale::F16 => {
                let [low, high] = half::f16::ONE.to_ne_bytes();
                Self([low, high, 0, 0])
            }
        }
    }
}

fn accepted(call: &'static str, status: c_int) -> Result<(), BlasError> {
    if status == 0 { Ok(()) } else { Err(BlasError::Refused { call, status }) }
}

fn load(folders: &[PathBuf]) -> Result<Library, BlasError> {
    let by_name = NAMES.iter().map(PathBuf::from);
    let places = folders.iter().cloned().chain(USUAL.iter().map(PathBuf::from));
    let by_path = places.flat_map(|place| NAMES.iter().map(move |name| place.join(name))).filter(|path| path.is_file());
    let mut broken = None;
    for candidate in by_name.chain(by_path) {
        // SAFETY: loading runs the library's initialisers; this worker process is there to bear what they do.
        match unsafe { Library::new(&candidate) } {
            Ok(library) => return Ok(library),
            Err(error) if candidate.is_absolute() => broken = Some(error.to_string()),
            Err(_) => {}
        }
    }
    Err(broken.map_or(BlasError::NotInstalled, BlasError::Unloadable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_cublas_is_told_how_to_get_it() {
        match load(&[]) {
            Ok(_) => {}
            Err(error) => assert!(error.to_string().contains("cuBLAS"), "{error}"),
        }
    }

    #[test]
    fn a_broken_library_beside_an_engine_is_named() {
        if load(&[]).is_ok() {
            println!("skipped: the system has a cuBLAS that works");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAMES[0]), "not a library").unwrap();
        assert!(matches!(load(&[folder.path().to_path_buf()]), Err(BlasError::Unloadable(_))));
    }

    #[test]
    fn one_is_one_in_every_format() {
        assert_eq!(f32::from_ne_bytes(Scalar::one(Scale::F32).0), 1.0);
        assert_eq!(i32::from_ne_bytes(Scalar::one(Scale::I32).0), 1);
        let [low, high, ..] = Scalar::one(Scale::F16).0;
        assert_eq!(half::f16::from_ne_bytes([low, high]).to_f32(), 1.0);
    }
}
