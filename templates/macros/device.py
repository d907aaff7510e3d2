---
kind = "macros"
about = "Finding the asked device, or saying that it is missing; for skills and benchmarks."
---
{# A function that gives the device of PyTorch, or raises with the reason. #}
{% macro torch_device(platform) %}
def find_device() -> torch.device:
    """The {{ platform.label }} device. Raises RuntimeError where it is missing; nothing else is used in its place."""
{% if platform.key == "cuda" %}
    if not torch.cuda.is_available() or torch.version.cuda is None:
        raise RuntimeError("PyTorch finds no NVIDIA GPU. Install a driver and a build of PyTorch for CUDA.")
    return torch.device("cuda", 0)
{% elif platform.key == "rocm" %}
    if not torch.cuda.is_available() or torch.version.hip is None:
        raise RuntimeError("PyTorch finds no AMD GPU. Install a driver and a build of PyTorch for ROCm.")
    return torch.device("cuda", 0)
{% elif platform.key == "mps" %}
    if not torch.backends.mps.is_available():
        raise RuntimeError("PyTorch finds no Apple GPU. It needs an Apple chip and macOS 14 or later.")
    return torch.device("mps")
{% else %}
    return torch.device("cpu")
{% endif %}
{% endmacro %}
