---
kind = "test"
about = "Does this model work right on this hardware? Each test fails where it does not; one is skipped only where the hardware or a library is missing."
extends = "base.py"
imports = { exported = "macros/exported.py", given = "macros/inputs.py" }

[variables.tolerance]
type = "number"
default = 0.0
help = "Largest relative difference between the device and the processor; 0 takes the one that Assay uses for the precision"
---
{% block head %}
"""Does {{ model.model_type }} work right on {{ platform.label }}?

Made by Assay. Run it with pytest; it needs {{ platform.packages | join(", ") }}, and no network{% if checkpoint %} but for the checkpoint{% endif %}.
A test is skipped only where the hardware or a library is missing. Nothing runs on another device in its place.
"""
{% endblock %}
{% block libraries %}
{% if platform.engine == "torch" or not checkpoint %}
import copy
{% endif %}
{% if platform.engine == "onnxruntime" %}
import io
{% endif %}

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
{% block engine %}
{% if platform.engine == "openvino" %}
openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")
{% elif platform.engine == "onnxruntime" %}
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
{% endif %}
{% endblock %}
{% endblock %}
{% block body %}
TOLERANCE = {{ tolerance or model.tolerance[precision] }}
BATCH = 2
{% block expected %}
# Names of the outputs{% if not checkpoint %} and their shapes{% endif %} for a batch of two, as transformers 5.23 gives them; empty where nobody has seen them yet.
{% if checkpoint %}
OUTPUTS = {{ model.outputs | list | py }}
{% else %}
OUTPUTS = {{ model.outputs | py }}
{% endif %}
{% endblock %}


{{ given.function(model.real_inputs if checkpoint else model.inputs) }}

def make_model(auto_class=transformers.{{ model.auto_class }}, architecture: str | None = None) -> torch.nn.Module:
    """The model on the processor, ready to be used; the same one every time."""
{% if checkpoint %}
    return auto_class.from_pretrained(CHECKPOINT, dtype=torch.float32).eval()
{% else %}
    torch.manual_seed(SEED)
    config = transformers.AutoConfig.for_model(MODEL_TYPE, **copy.deepcopy(CONFIG))
    # Where a type has several classes for a task, this one is meant.
    config.architectures = [architecture] if architecture else None
    model = auto_class.from_config(config).eval()
    # Parts of a fresh model are zeros or ones, through which nothing that is wrong would show.
    trained = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point() and (name in trained or value.unique().numel() == 1):
                # A deep stack of convolutions damps what passes it, where their weights are smaller than this.
                share = value[0].numel() ** -0.5 if value.dim() > 2 else 0.0
                value.add_(torch.randn_like(value), alpha=max(share, 0.02))
    return model
{% endif %}


{{ exported.named() }}

def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value; infinite where a value is not finite."""
    assert ours.shape == theirs.shape, f"{tuple(ours.shape)} is not {tuple(theirs.shape)}"
    if ours.numel() == 0:
        return 0.0
    ours, theirs = ours.detach().cpu().double(), theirs.detach().cpu().double()
    largest = (ours - theirs).abs().max().item() / max(theirs.abs().max().item(), 1e-6)
    return largest if largest == largest else float("inf")


def agree(ours: dict, theirs: dict, tolerance: float) -> None:
    """Fails with the output that differs by more than the tolerance."""
    assert ours.keys() == theirs.keys()
    for name in theirs:
        apart = difference(ours[name], theirs[name])
        assert apart <= tolerance, f"{name} differs by {apart:.2e}, more than {tolerance:.0e}"


def run(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a model gives, wherever the model is."""
    place = next(model.parameters())
    moved = {
        name: value.to(place.device, place.dtype) if value.is_floating_point() else value.to(place.device)
        for name, value in inputs.items()
    }
    # Models with something random in them start from the same place.
    torch.manual_seed(SEED)
    with torch.no_grad():
        return named(model(**moved{% if "use_cache" in model.forward_args %}, use_cache=False{% endif %}))


{% block hardware %}
{% if platform.key == "cpu" %}
{% block cpu %}
def find_device() -> torch.device:
    """The processor, which is always there."""
    return torch.device("cpu")
{% endblock %}
{% elif platform.key == "cuda" %}
{% block cuda %}
def find_device() -> torch.device:
    """The first NVIDIA GPU."""
    if not torch.cuda.is_available() or torch.version.cuda is None:
        pytest.skip("PyTorch finds no NVIDIA GPU")
    return torch.device("cuda", 0)
{% endblock %}
{% elif platform.key == "rocm" %}
{% block rocm %}
def find_device() -> torch.device:
    """The first AMD GPU, which PyTorch's build for ROCm calls cuda."""
    if not torch.cuda.is_available() or torch.version.hip is None:
        pytest.skip("PyTorch finds no AMD GPU")
    return torch.device("cuda", 0)
{% endblock %}
{% elif platform.key == "mps" %}
{% block mps %}
def find_device() -> torch.device:
    """The GPU of an Apple chip."""
    if not torch.backends.mps.is_available():
        pytest.skip("PyTorch finds no Apple GPU")
    return torch.device("mps")
{% endblock %}
{% elif platform.key == "openvino" %}
{% block openvino %}
{{ exported.openvino_device("pytest.skip") -}}
{% endblock %}
{% elif platform.key == "qualcomm" %}
{% block qualcomm %}
{{ exported.qualcomm_device("pytest.skip") -}}
{% endblock %}
{% endif %}
{% endblock %}


{% block on_device %}
{% if platform.engine == "torch" %}
class OnDevice:
    """A model on the asked device."""

    def __init__(self, model: torch.nn.Module, example: dict[str, torch.Tensor]) -> None:
        self.model = copy.deepcopy(model).to(find_device(), PRECISION)

    def __call__(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return run(self.model, inputs)

    def places(self) -> set[str]:
        """The kinds of devices that hold its weights."""
        return {value.device.type for value in (*self.model.parameters(), *self.model.buffers())}
{% elif platform.engine == "openvino" %}
{{ exported.flat() }}

{{ exported.openvino_model(precision) -}}
{% else %}
{{ exported.flat() }}

{{ exported.qualcomm_model() -}}
{% endif %}
{% endblock %}


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return make_model()


@pytest.fixture(scope="module")
def asked(model: torch.nn.Module) -> OnDevice:
    return OnDevice(model, make_inputs(BATCH))


@pytest.fixture(scope="module")
def outputs(asked: OnDevice) -> dict[str, torch.Tensor]:
    return asked(make_inputs(BATCH))


{% block placement %}
def test_everything_runs_on_{{ platform.key }}(asked: OnDevice, outputs: dict[str, torch.Tensor]) -> None:
{% if platform.engine == "torch" %}
    assert asked.places() == {{ "{" }}{{ platform.torch_device | py }}{{ "}" }}
    places = {name: value.device.type for name, value in outputs.items()}
    assert places == dict.fromkeys(outputs, {{ platform.torch_device | py }})
{% if platform.key == "cuda" %}
    assert torch.version.cuda is not None
{% elif platform.key == "rocm" %}
    assert torch.version.hip is not None
{% endif %}
    assert {str(value.dtype) for value in asked.model.parameters() if value.is_floating_point()} == {str(PRECISION)}
{% elif platform.engine == "openvino" %}
    assert asked.places() == {asked.asked.split(".")[0]}
{% else %}
    assert "QNNExecutionProvider" in asked.places()
{% endif %}
{% endblock %}


{% block shapes %}
def test_outputs_have_their_names_and_shapes(outputs: dict[str, torch.Tensor]) -> None:
{% if checkpoint %}
    assert set(OUTPUTS) <= set(outputs)
{% else %}
    assert outputs, "the model gives no tensor"
    shapes = {name: list(value.shape) for name, value in outputs.items()}
    assert shapes == (OUTPUTS or shapes)
{% endif %}
{% endblock %}


{% block finite %}
def test_weights_and_outputs_are_finite(model: torch.nn.Module, outputs: dict[str, torch.Tensor]) -> None:
    broken = [name for name, value in model.named_parameters() if not torch.isfinite(value).all()]
    assert not broken, f"weights that are not finite: {broken}"
    broken = [name for name, value in outputs.items() if not torch.isfinite(value).all()]
    assert not broken, f"outputs that are not finite: {broken}"
{% endblock %}


{% block twice %}
def test_the_same_seed_gives_the_same_result(asked: OnDevice, outputs: dict[str, torch.Tensor]) -> None:
    agree(asked(make_inputs(BATCH)), outputs, 1e-6)
    agree(run(make_model(), make_inputs(BATCH)), run(make_model(), make_inputs(BATCH)), 1e-6)
{% endblock %}


{% block batch %}
{% if model.batched and not model.exempt.batch %}
def test_a_batch_of_two_is_two_of_one(asked: OnDevice, outputs: dict[str, torch.Tensor]) -> None:
    inputs = make_inputs(BATCH)
    ones = [asked({name: value[at : at + 1] for name, value in inputs.items()}) for at in range(BATCH)]
    # What compares the samples of a batch with each other has no part for each of them, and a loss is their mean.
    alike = [
        name
        for name, value in outputs.items()
        if value.dim() > 0
        and name != "loss"
        and all(one[name].shape[1:] == value.shape[1:] for one in ones)
        and sum(len(one[name]) for one in ones) == len(value)
    ]
    assert alike, "no output has a part for each sample"
    agree({name: torch.cat([one[name] for one in ones]) for name in alike}, {name: outputs[name] for name in alike}, TOLERANCE)
{% elif model.exempt.batch %}
# No test that a batch of two is two of one: {{ model.exempt.batch }}.
{% endif %}
{% endblock %}


{% block processor %}
{% if platform.key == "cpu" and model.exempt.doubled %}
# No comparison with doubled precision: {{ model.exempt.doubled }}.
{% elif platform.key == "cpu" %}
def test_the_processor_agrees_with_doubled_precision(model: torch.nn.Module, outputs: dict[str, torch.Tensor]) -> None:
    doubled = copy.deepcopy(model).double()
    if hasattr(doubled, "set_experts_implementation"):
        # The fast way to multiply by many experts knows no doubled precision.
        doubled.set_experts_implementation("eager")
    agree(outputs, run(doubled, make_inputs(BATCH)), TOLERANCE)
{% else %}
def test_{{ platform.key }}_agrees_with_the_processor(model: torch.nn.Module, outputs: dict[str, torch.Tensor]) -> None:
    agree(outputs, run(model, make_inputs(BATCH)), TOLERANCE)
{% endif %}
{% endblock %}


{% block saved %}
def test_a_saved_model_loads_as_it_was(model: torch.nn.Module, tmp_path) -> None:
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path).eval()
    # With the buffers that no file holds: they are made anew.
    before, after = ({**one.state_dict(), **dict(one.named_buffers())} for one in (model, loaded))
    assert before.keys() == after.keys()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert not changed, f"weights that came back changed: {changed}"
    agree(run(loaded, make_inputs(BATCH)), run(model, make_inputs(BATCH)), 1e-6)
{% endblock %}


{% block depends %}
def test_the_output_depends_on_the_input(asked: OnDevice, outputs: dict[str, torch.Tensor]) -> None:
    inputs, others = make_inputs(BATCH), make_inputs(BATCH, SEED + 1)
{% for input in model.inputs if input.kind in ["tokens", "noise"] and input.name not in model.exempt.depends %}
    changed = asked({**inputs, {{ input.name | py }}: others[{{ input.name | py }}]})
    apart = max(difference(changed[name], outputs[name]) for name in outputs if changed[name].shape == outputs[name].shape)
    assert apart > 1e-4, "{{ input.name }} changes nothing"
{% endfor %}
{% endblock %}


{% block mask %}
{% if model.masks and not model.exempt.mask %}
def test_masked_tokens_are_not_read(asked: OnDevice) -> None:
    # In the middle: some models read the whole text at its first or its last token.
    hidden = slice(2, 6)
    shown = make_inputs(BATCH)
    shown["input_ids"][:, hidden] = {{ model.inputs | selectattr("name", "equalto", "input_ids") | map(attribute="low") | first }}
    masked = {**shown, "attention_mask": shown["attention_mask"].clone()}
    masked["attention_mask"][:, hidden] = 0
    changed = {**masked, "input_ids": masked["input_ids"].clone()}
    changed["input_ids"][:, hidden] += 1
    tokens = shown["input_ids"].shape[1]

    def kept(outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Numbers with a fraction, without what is given for the hidden tokens themselves."""
        return {
            name: torch.cat([value[:, : hidden.start], value[:, hidden.stop :]], 1)
            if value.dim() > 2 and value.shape[1] == tokens
            else value
            for name, value in outputs.items()
            if value.is_floating_point()
        }

    seen, without, other = (kept(asked(inputs)) for inputs in (shown, masked, changed))
    heeds = [name for name in seen if difference(without[name], seen[name]) > 1e-4]
{% if model.exempt.shows %}
    # Masked tokens have places of their own in the others.
    heeds = [name for name in heeds if name.split(".")[0] not in {{ model.exempt.shows | py }}]
{% endif %}
    assert heeds, "the mask changes nothing"
    for name in heeds:
        apart = difference(other[name], without[name])
        assert apart <= TOLERANCE, f"masked tokens are still read: {name} differs by {apart:.2e}"
{% elif model.exempt.mask %}
# No test of the attention mask: {{ model.exempt.mask }}.
{% endif %}
{% endblock %}


{% block training %}
{% if platform.engine == "torch" and model.training and not model.exempt.training %}
def make_labels(inputs: dict[str, torch.Tensor], model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What the model should learn to give for these inputs."""
    inputs = {name: inputs[name] for name in {{ model.training.inputs | py(4) }}}
{% if model.training.labels == "tokens" %}
    return {**inputs, "labels": inputs["input_ids"].clone()}
{% elif model.training.labels == "written" %}
    labels = inputs.pop("decoder_input_ids")
    return {**inputs, "labels": labels}
{% elif model.training.labels == "class" %}
    return {**inputs, "labels": torch.arange(BATCH) % model.config.num_labels}
{% elif model.training.labels == "token-class" %}
    return {**inputs, "labels": inputs["input_ids"] % model.config.num_labels}
{% elif model.training.labels == "transcript" %}
    return {**inputs, "labels": torch.arange(1, 3).repeat(BATCH, 1)}
{% endif %}


def test_a_step_of_training_lowers_the_loss() -> None:
    model = make_model(transformers.{{ model.training.auto_class }}, {{ model.training.class | py }}).to(find_device())
    inputs = make_labels(make_inputs(BATCH), model)
    inputs = {name: value.to(find_device()) for name, value in inputs.items()}

    def loss() -> torch.Tensor:
        torch.manual_seed(SEED)
        return model(**inputs).loss

    before = loss()
    before.backward()
    slopes = [parameter for parameter in model.parameters() if parameter.grad is not None]
    steepness = torch.sqrt(sum(parameter.grad.double().pow(2).sum() for parameter in slopes)).item()
    assert 0 < steepness < float("inf"), f"the slope of the loss is {steepness}"
    # A step short enough that the loss goes down as its slope says.
    with torch.no_grad():
        for parameter in slopes:
            parameter.sub_(parameter.grad, alpha=0.02 / steepness)
        after = loss()
    assert after < before, f"the loss went from {before.item()} to {after.item()}"
{% elif model.exempt.training %}
# No test of training: {{ model.exempt.training }}.
{% endif %}
{% endblock %}
{% endblock %}
