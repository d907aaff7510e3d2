---
kind = "macros"
about = "Inputs of a model, written as Python: random with a fixed seed, never zeros."
---
{# One input for `batch` samples. #}
{% macro one(input) %}
{% set shape = (["batch"] + (input.shape | map("string") | list) if input.batched else ["batch * " ~ input.shape[0]] + (input.shape[1:] | map("string") | list)) | join(", ") %}
{% if input.kind == "tokens" %}
torch.randint({{ input.low }}, {{ input.high }}, ({{ shape }}), generator=generator)
{%- elif input.kind == "ones" %}
torch.ones(({{ shape }}), dtype=torch.int64)
{%- elif input.kind == "exact" %}
torch.tensor({{ input.sample | py }} * batch)
{%- else %}
torch.randn(({{ shape }}), generator=generator)
{%- endif %}
{% endmacro %}

{# A function that makes all of them. #}
{% macro function(inputs) %}
def make_inputs(batch: int, seed: int = SEED) -> dict[str, torch.Tensor]:
    """The same inputs for the same seed, on the processor."""
    generator = torch.Generator().manual_seed(seed)
    return {
{% for input in inputs %}
        {{ input.name | py }}: {{ one(input) | trim }},
{% endfor %}
    }
{% endmacro %}
