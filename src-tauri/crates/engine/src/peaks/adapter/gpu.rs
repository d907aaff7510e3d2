//! The little of wgpu that a measurement needs: buffers, a kernel, running it, waiting, reading back.

use crate::inventory::block_on;
use std::sync::mpsc;

pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

/// A compiled shader with its buffers.
pub struct Kernel {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
}

#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    #[error("the adapter gave no device: {0}")]
    NoDevice(#[from] wgpu::RequestDeviceError),
    #[error("the driver refused the shader: {0}")]
    Shader(String),
    #[error("the device has not enough memory: {0}")]
    OutOfMemory(String),
    #[error("the device stopped answering: {0}")]
    Lost(#[from] wgpu::PollError),
    #[error("the result could not be read back: {0}")]
    NotRead(String),
    #[error("its shaders have no f16 (shader-f16)")]
    NoF16,
    #[error(transparent)]
    Wrong(#[from] crate::peaks::matrices::WrongProduct),
}

impl Gpu {
    /// With everything the adapter has to offer.
    pub fn open(adapter: &wgpu::Adapter) -> Result<Self, GpuError> {
        let (device, queue) = block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("peaks"),
            required_features: adapter.features() & wgpu::Features::SHADER_F16,
            required_limits: adapter.limits(),
            ..wgpu::DeviceDescriptor::default()
        }))?;
        Ok(Self { device, queue })
    }

    pub fn has_f16(&self) -> bool {
        self.device.features().contains(wgpu::Features::SHADER_F16)
    }

    /// The largest buffer that one binding can show a shader.
    pub fn largest_buffer(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_buffer_size.min(limits.max_storage_buffer_binding_size)
    }

    pub fn empty(&self, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage,
            mapped_at_creation: false,
        });
        match block_on(memory.pop()) {
            Some(error) => Err(GpuError::OutOfMemory(error.to_string())),
            None => Ok(buffer),
        }
    }

    pub fn filled(&self, content: &[u8]) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.empty(content.len() as u64)?;
        self.queue.write_buffer(&buffer, 0, content);
        Ok(buffer)
    }

    /// Compiles a shader whose entry is `main`; the buffers are its bindings 0, 1, 2 … of group 0.
    pub fn kernel(&self, wgsl: &str, buffers: &[&wgpu::Buffer]) -> Result<Kernel, GpuError> {
        let errors = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let entries: Vec<wgpu::BindGroupEntry> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = pipeline.get_bind_group_layout(0);
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &layout,
            entries: &entries,
        });
        match block_on(errors.pop()) {
            Some(error) => Err(GpuError::Shader(error.to_string())),
            None => Ok(Kernel { pipeline, bindings }),
        }
    }

    /// Hands over `times` runs, one after the other, without waiting for them.
    pub fn run(&self, kernel: &Kernel, workgroups: (u32, u32), times: u32) -> Result<(), GpuError> {
        let errors = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&kernel.pipeline);
            pass.set_bind_group(0, &kernel.bindings, &[]);
            for _ in 0..times {
                pass.dispatch_workgroups(workgroups.0, workgroups.1, 1);
            }
        }
        self.queue.submit([encoder.finish()]);
        match block_on(errors.pop()) {
            Some(error) => Err(GpuError::Shader(error.to_string())),
            None => Ok(()),
        }
    }

    pub fn wait(&self) -> Result<(), GpuError> {
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(())
    }

    pub fn read(&self, buffer: &wgpu::Buffer) -> Result<Vec<u8>, GpuError> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let size = buffer.size();
        let landing =
            self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &landing, 0, size);
        self.queue.submit([encoder.finish()]);
        let (send, mapped) = mpsc::channel();
        landing.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver waits below for as long as the device exists.
            let _ = send.send(result);
        });
        self.wait()?;
        let unread = |why: &dyn std::fmt::Display| GpuError::NotRead(why.to_string());
        mapped.recv().map_err(|error| unread(&error))?.map_err(|error| unread(&error))?;
        let view = landing.get_mapped_range(..).map_err(|error| unread(&error))?;
        Ok(view.to_vec())
    }
}
