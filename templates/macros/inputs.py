---
kind = "macros"
about = "Inputs of a model, written as Python: random with a fixed seed, never zeros."
---
{# One input for `batch` samples. #}
{% macro one(input) %}
{% set shape %}
{{ "batch, " if input.batched else "" }}{% for size in input.shape %}{{ "" if input.batched or loop.index0 != input.along else "batch * " }}{{ size }}{{ "" if loop.last else ", " }}{% endfor %}
{% endset %}
{% if input.kind == "tokens" and (input.first or input.last) %}
text({{ input.low }}, {{ input.high }}, ({{ shape | trim }}), {{ input.first | py }}, {{ input.last | py }})
{%- elif input.kind == "tokens" %}
torch.randint({{ input.low }}, {{ input.high }}, ({{ shape | trim }}), generator=generator)
{%- elif input.kind == "ones" %}
torch.ones(({{ shape | trim }}), dtype=torch.int64)
{%- elif input.kind == "exact" %}
torch.tensor({{ input.sample | py }} * batch)
{%- else %}
torch.randn(({{ shape | trim }}), generator=generator)
{%- endif %}
{% endmacro %}

{# A function that makes all of them. #}
{% macro function(inputs) %}
def make_inputs(batch: int, seed: int = SEED) -> dict[str, torch.Tensor]:
    """The same inputs for the same seed, on the processor."""
    generator = torch.Generator().manual_seed(seed)
{% if inputs | selectattr("first") | list or inputs | selectattr("last") | list %}

    def text(low: int, high: int, shape: tuple[int, int], first: list[int], last: list[int]) -> torch.Tensor:
        """Random tokens between those that every text begins and ends with."""
        tokens = torch.randint(low, high, shape, generator=generator)
        tokens[:, : len(first)] = torch.tensor(first, dtype=torch.int64)
        tokens[:, shape[1] - len(last) :] = torch.tensor(last, dtype=torch.int64)
        return tokens

{% endif %}
    return {
{% for input in inputs %}
        {{ input.name | py }}: {{ one(input) | trim }},
{% endfor %}
    }
{% endmacro %}
