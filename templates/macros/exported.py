---
kind = "macros"
about = "Running a model through a graph exported from PyTorch: OpenVINO, and ONNX Runtime on a Snapdragon."
---
{# Every tensor of an output by its name. #}
{% macro named() %}
def named(outputs) -> dict[str, torch.Tensor]:
    """Every tensor that a model gives, by its name; one in a list has its place in the name. Caches are left out."""
    found = {}

    def gather(name: str, value) -> None:
        if isinstance(value, torch.Tensor):
            found[name] = value
        elif isinstance(value, dict):
            for key, item in value.items():
                gather(f"{name}.{key}" if name else key, item)
        elif isinstance(value, (list, tuple)):
            for place, item in enumerate(value):
                gather(f"{name}.{place}" if name else str(place), item)

    gather("output" if isinstance(outputs, torch.Tensor) else "", outputs)
    return {name: value for name, value in found.items() if not name.startswith("past_key_values")}
{% endmacro %}

{# A model that exporters can take. #}
{% macro flat() %}
class Flat(torch.nn.Module):
    """A model as exporters take it: tensors in, tensors out, in an order."""

    def __init__(self, model: torch.nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(named(self.model(**dict(zip(self.names, inputs)))).values())
{% endmacro %}

{# OpenVINO's device, else what `missing` does. #}
{% macro openvino_device(missing) %}
def find_device() -> str:
    """The best device that OpenVINO has a driver for: a GPU, an NPU, else the processor."""
    found = openvino.Core().available_devices
    for kind in ("GPU", "NPU", "CPU"):
        for name in found:
            if name.startswith(kind):
                return name
    {{ missing }}("OpenVINO finds no device")
{% endmacro %}

{% macro qualcomm_device(missing) %}
def find_device() -> str:
    """The neural processor of a Snapdragon, by ONNX Runtime's name."""
    if "QNNExecutionProvider" not in onnxruntime.get_available_providers():
        {{ missing }}("ONNX Runtime has no QNN provider here")
    return "QNNExecutionProvider"
{% endmacro %}

{# A model compiled for the device, called like the model. `precision` is f32, f16 or bf16. #}
{% macro openvino_model(precision) %}
class OnDevice:
    """A model compiled by OpenVINO for the asked device."""

    def __init__(self, model: torch.nn.Module, example: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            self.inputs, self.outputs = list(example), list(named(model(**example)))
        graph = openvino.convert_model(Flat(model, self.inputs), example_input=tuple(example.values()))
        self.asked = find_device()
        settings = {"INFERENCE_PRECISION_HINT": {{ precision | py }}}
        self.compiled = openvino.Core().compile_model(graph, self.asked, settings)

    def __call__(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        results = self.compiled([inputs[name].numpy() for name in self.inputs])
        return {name: torch.from_numpy(results[place].copy()) for place, name in enumerate(self.outputs)}

    def places(self) -> set[str]:
        """The devices that OpenVINO runs the compiled model on."""
        return {name.split(".")[0] for name in self.compiled.get_property("EXECUTION_DEVICES")}
{% endmacro %}

{% macro qualcomm_model() %}
class OnDevice:
    """A model exported to ONNX, in a session that may use nothing but the asked device."""

    def __init__(self, model: torch.nn.Module, example: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            self.inputs, self.outputs = list(example), list(named(model(**example)))
        graph = io.BytesIO()
        torch.onnx.export(
            Flat(model, self.inputs),
            tuple(example.values()),
            graph,
            input_names=self.inputs,
            output_names=self.outputs,
            dynamo=False,
        )
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        self.asked = find_device()
        providers = [(self.asked, {"backend_type": "htp"})]
        self.session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=providers)

    def __call__(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        results = self.session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return {name: torch.from_numpy(result) for name, result in zip(self.outputs, results)}

    def places(self) -> set[str]:
        """The providers that the session may use."""
        return set(self.session.get_providers())
{% endmacro %}
