//! A session of ONNX Runtime, read and prepared in two steps and called without anything in between.
//!
//! The bindings offer one step for both and wrap each call in allocations of their own, which would be measured.

use models::{Element, Tensor};
use ort::{
    AsPointer, Error,
    environment::Environment,
    memory::Allocator,
    session::builder::SessionBuilder,
    sys,
    value::{DynTensor, TensorElementType},
};
use std::{
    ffi::{CStr, CString, c_char},
    path::Path,
    ptr::{NonNull, null, null_mut},
};

/// A model that was read; [`Model::prepare`] makes it callable.
pub(super) struct Model {
    session: NonNull<sys::OrtSession>,
    builder: SessionBuilder,
}

impl Model {
    /// Reads the graph. `builder` holds the options, which preparing needs again.
    pub fn read(environment: &Environment, builder: SessionBuilder, path: &Path) -> Result<Self, Error> {
        let path = native_path(path)?;
        let editor = ort::api::editor()?;
        let mut session = null_mut();
        // SAFETY: environment, options and the terminated path are alive for the call; the out-pointer is valid.
        check(unsafe {
            (editor.CreateModelEditorSession)(environment.ptr(), path.as_ptr(), builder.ptr(), &mut session)
        })?;
        Ok(Self { session: NonNull::new(session).ok_or_else(|| Error::new("no session was made"))?, builder })
    }

    /// Optimises the graph, assigns its nodes to the providers, loads the weights and plans the memory.
    pub fn prepare(self) -> Result<Prepared, Error> {
        let editor = ort::api::editor()?;
        // SAFETY: the session was made by `read` with the same options and was not prepared before.
        check(unsafe { (editor.FinalizeModelEditorSession)(self.session.as_ptr(), self.builder.ptr(), null()) })?;
        let api = ort::api();
        let inputs = names(&self, api.SessionGetInputCount, api.SessionGetInputName)?;
        let outputs = names(&self, api.SessionGetOutputCount, api.SessionGetOutputName)?;
        Ok(Prepared {
            input_pointers: inputs.iter().map(|name| name.as_ptr()).collect(),
            output_pointers: outputs.iter().map(|name| name.as_ptr()).collect(),
            results: vec![null_mut(); outputs.len()],
            inputs,
            outputs,
            model: self,
        })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the session is owned and released once.
        unsafe { (ort::api().ReleaseSession)(self.session.as_ptr()) }
    }
}

/// A session ready to be called.
pub(super) struct Prepared {
    inputs: Vec<CString>,
    outputs: Vec<CString>,
    input_pointers: Vec<*const c_char>,
    output_pointers: Vec<*const c_char>,
    /// Outputs of the last call, null before the first.
    results: Vec<*mut sys::OrtValue>,
    model: Model,
}

/// The inputs of one variant in the order of the session's inputs.
pub(super) struct Feed {
    /// Keeps the values alive that `pointers` names.
    _values: Vec<DynTensor>,
    pointers: Vec<*const sys::OrtValue>,
}

/// A tensor of the library's: one that was given to it, or one that a call made.
pub(super) enum Value {
    Given(DynTensor),
    Made(NonNull<sys::OrtValue>),
}

impl Value {
    pub fn of(tensor: &Tensor) -> Result<Self, Error> {
        value_of(tensor).map(Self::Given)
    }

    /// A copy on the host.
    pub fn tensor(&self, name: &str) -> Result<Tensor, Error> {
        tensor_of(name.to_owned(), self.pointer().cast_mut())
    }

    fn pointer(&self) -> *const sys::OrtValue {
        match self {
            Self::Given(tensor) => tensor.ptr(),
            Self::Made(value) => value.as_ptr(),
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if let Self::Made(value) = self {
            // SAFETY: the value is owned since the call that made it and released once.
            unsafe { (ort::api().ReleaseValue)(value.as_ptr()) }
        }
    }
}

impl Prepared {
    pub fn input_names(&self) -> Vec<String> {
        self.inputs.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    pub fn output_names(&self) -> Vec<String> {
        self.outputs.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// One call on values that stay with the library, in the order of the inputs; its outputs in theirs.
    pub fn pass(&mut self, inputs: &[&Value]) -> Result<Vec<Value>, Error> {
        let pointers: Vec<*const sys::OrtValue> = inputs.iter().map(|value| value.pointer()).collect();
        self.call(&pointers)?;
        let made = self.results.iter_mut().zip(&self.outputs).map(|(result, name)| {
            let value = NonNull::new(std::mem::replace(result, null_mut()));
            value
                .map(Value::Made)
                .ok_or_else(|| Error::new(format!("the call made no output {}", name.to_string_lossy())))
        });
        made.collect()
    }

    /// Copies tensors into memory that the engine's kernels can read as it is.
    pub fn feed(&self, tensors: &[Tensor]) -> Result<Feed, Error> {
        let values = self
            .inputs
            .iter()
            .map(|name| {
                let name = name.to_string_lossy();
                let tensor = tensors.iter().find(|tensor| tensor.name == name);
                value_of(tensor.ok_or_else(|| Error::new(format!("no values were given for the input {name}")))?)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let pointers = values.iter().map(AsPointer::ptr).collect();
        Ok(Feed { _values: values, pointers })
    }

    /// One call. The outputs are in host memory when it returns, as for the users of the engine's `run`.
    pub fn run(&mut self, feed: &Feed) -> Result<(), Error> {
        self.call(&feed.pointers)
    }

    fn call(&mut self, inputs: &[*const sys::OrtValue]) -> Result<(), Error> {
        self.release_results();
        // SAFETY: names, values and the result slots have the lengths given and outlive the call.
        check(unsafe {
            (ort::api().Run)(
                self.model.session.as_ptr(),
                null(),
                self.input_pointers.as_ptr(),
                inputs.as_ptr(),
                inputs.len(),
                self.output_pointers.as_ptr(),
                self.output_pointers.len(),
                self.results.as_mut_ptr(),
            )
        })
    }

    /// Copies of the outputs of the last call.
    pub fn results(&self) -> Result<Vec<Tensor>, Error> {
        let named = self.outputs.iter().zip(&self.results);
        named.map(|(name, value)| tensor_of(name.to_string_lossy().into_owned(), *value)).collect()
    }

    /// Ends the profile that the options asked for and says in which file it is.
    pub fn end_profile(&mut self) -> Result<String, Error> {
        let mut name = null_mut();
        let allocator = Allocator::default();
        // SAFETY: session and allocator are alive; the name is copied before its memory is given back.
        unsafe {
            let end = ort::api().SessionEndProfiling;
            check(end(self.model.session.as_ptr(), allocator.ptr().cast_mut(), &mut name))?;
            Ok(take_text(&allocator, name))
        }
    }

    /// Which provider each node was given to, before any fusing by the provider: provider, node, operator.
    ///
    /// Empty where the options did not ask for it.
    pub fn assignments(&self) -> Result<Vec<Assignment>, Error> {
        let api = ort::api();
        let mut all = Vec::new();
        // SAFETY: the lists belong to the session and live as long as it does; the counts are the library's own.
        unsafe {
            let (mut parts, mut count) = (null(), 0);
            check((api.Session_GetEpGraphAssignmentInfo)(self.model.session.as_ptr(), &mut parts, &mut count))?;
            for part in list(parts, count) {
                let mut provider = null();
                check((api.EpAssignedSubgraph_GetEpName)(*part, &mut provider))?;
                let (mut nodes, mut count) = (null(), 0);
                check((api.EpAssignedSubgraph_GetNodes)(*part, &mut nodes, &mut count))?;
                for node in list(nodes, count) {
                    let (mut name, mut operator) = (null(), null());
                    check((api.EpAssignedNode_GetName)(*node, &mut name))?;
                    check((api.EpAssignedNode_GetOperatorType)(*node, &mut operator))?;
                    all.push(Assignment { provider: text(provider), node: text(name), operator: text(operator) });
                }
            }
        }
        Ok(all)
    }

    fn release_results(&mut self) {
        for result in &mut self.results {
            // SAFETY: results are owned since the call that made them; releasing null does nothing.
            unsafe { (ort::api().ReleaseValue)(*result) };
            *result = null_mut();
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.release_results();
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub provider: String,
    pub node: String,
    pub operator: String,
}

fn value_of(tensor: &Tensor) -> Result<DynTensor, Error> {
    let shape: Vec<i64> = tensor.shape.iter().map(|size| *size as i64).collect();
    let mut value = DynTensor::new(&Allocator::default(), element_type(tensor.element), shape)?;
    let target = value.data_ptr_mut().cast::<u8>();
    if !tensor.bytes.is_empty() {
        // SAFETY: the value was allocated for this element and shape, which is what `bytes` holds.
        unsafe { std::ptr::copy_nonoverlapping(tensor.bytes.as_ptr(), target, tensor.bytes.len()) };
    }
    Ok(value)
}

fn tensor_of(name: String, value: *mut sys::OrtValue) -> Result<Tensor, Error> {
    if value.is_null() {
        return Err(Error::new(format!("there is no output {name} before the first call")));
    }
    let api = ort::api();
    // SAFETY: the value is a result of the last call and stays alive while it is read; the shape information is
    // released once. Outputs are in host memory because none was bound elsewhere.
    unsafe {
        let mut info = null_mut();
        check((api.GetTensorTypeAndShape)(value, &mut info))?;
        let described = describe(&name, info);
        (api.ReleaseTensorTypeAndShapeInfo)(info);
        let (element, shape) = described?;
        let length = shape.iter().product::<usize>() * element.size();
        let mut data = null_mut();
        check((api.GetTensorMutableData)(value, &mut data))?;
        let bytes =
            if length == 0 { Vec::new() } else { std::slice::from_raw_parts(data.cast::<u8>(), length).to_vec() };
        Ok(Tensor { name, element, shape, bytes })
    }
}

/// # Safety
/// `info` is valid.
unsafe fn describe(name: &str, info: *const sys::OrtTensorTypeAndShapeInfo) -> Result<(Element, Vec<usize>), Error> {
    let api = ort::api();
    let mut kind = sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    let mut rank = 0;
    // SAFETY: the caller vouches for `info`; `sizes` has the rank the library named.
    let sizes = unsafe {
        check((api.GetTensorElementType)(info, &mut kind))?;
        check((api.GetDimensionsCount)(info, &mut rank))?;
        let mut sizes = vec![0i64; rank];
        check((api.GetDimensions)(info, sizes.as_mut_ptr(), rank))?;
        sizes
    };
    let element = Element::from_onnx_code(kind as i32);
    let element =
        element.ok_or_else(|| Error::new(format!("the output {name} has a number format Assay cannot read")))?;
    Ok((element, sizes.into_iter().map(|size| size.max(0) as usize).collect()))
}

fn element_type(element: Element) -> TensorElementType {
    match element {
        Element::F32 => TensorElementType::Float32,
        Element::F16 => TensorElementType::Float16,
        Element::Bf16 => TensorElementType::Bfloat16,
        Element::F64 => TensorElementType::Float64,
        Element::I8 => TensorElementType::Int8,
        Element::U8 => TensorElementType::Uint8,
        Element::I16 => TensorElementType::Int16,
        Element::U16 => TensorElementType::Uint16,
        Element::I32 => TensorElementType::Int32,
        Element::U32 => TensorElementType::Uint32,
        Element::I64 => TensorElementType::Int64,
        Element::U64 => TensorElementType::Uint64,
        Element::Bool => TensorElementType::Bool,
        Element::I4 => TensorElementType::Int4,
    }
}

type CountOf = unsafe extern "system" fn(*const sys::OrtSession, *mut usize) -> sys::OrtStatusPtr;
type NameOf = unsafe extern "system" fn(
    *const sys::OrtSession,
    usize,
    *mut sys::OrtAllocator,
    *mut *mut c_char,
) -> sys::OrtStatusPtr;

fn names(model: &Model, count_of: CountOf, name_of: NameOf) -> Result<Vec<CString>, Error> {
    let session = model.session.as_ptr();
    let allocator = Allocator::default();
    let mut count = 0;
    // SAFETY: the session is alive; each name is copied before its memory is given back.
    unsafe {
        check(count_of(session, &mut count))?;
        (0..count)
            .map(|index| {
                let mut name = null_mut();
                check(name_of(session, index, allocator.ptr().cast_mut(), &mut name))?;
                CString::new(take_text(&allocator, name)).map_err(Error::wrap)
            })
            .collect()
    }
}

/// # Safety
/// `text` is terminated and was allocated by `allocator`.
unsafe fn take_text(allocator: &Allocator, text: *mut c_char) -> String {
    // SAFETY: vouched for by the caller.
    unsafe {
        let copy = self::text(text);
        allocator.free(text);
        copy
    }
}

/// # Safety
/// `text` is null or terminated.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: vouched for by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// `items` is null or points to `count` items that outlive the result.
unsafe fn list<'a, T>(items: *const T, count: usize) -> &'a [T] {
    // SAFETY: vouched for by the caller.
    if items.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(items, count) } }
}

fn check(status: sys::OrtStatusPtr) -> Result<(), Error> {
    // SAFETY: every status comes straight from a call of the library and is looked at once.
    unsafe { Error::result_from_status(status) }
}

/// A terminated path in the characters of the system.
fn native_path(path: &Path) -> Result<Vec<sys::os_char>, Error> {
    #[cfg(windows)]
    {
        use std::os::windows::ffi::OsStrExt;
        Ok(path.as_os_str().encode_wide().chain([0]).collect())
    }
    #[cfg(not(windows))]
    {
        let terminated = CString::new(path.as_os_str().as_encoded_bytes()).map_err(Error::wrap)?;
        Ok(terminated.as_bytes_with_nul().iter().map(|byte| *byte as sys::os_char).collect())
    }
}
