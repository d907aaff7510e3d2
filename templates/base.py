---
kind = "base"
about = "What every generated Python file begins with: the model, how it is made, and the numbers it computes in."

[variables.checkpoint]
type = "text"
default = ""
help = "A trained model to use, as a folder or a name that transformers can load; left empty, a small one with random weights is made"

[variables.precision]
type = "text"
default = "f32"
allowed = ["f32", "f16", "bf16"]
help = "The numbers that the model computes in"

[variables.seed]
type = "integer"
default = 7
help = "Where random weights and inputs start from; the same seed gives the same ones"
---
{% set types = {"f32": "torch.float32", "f16": "torch.float16", "bf16": "torch.bfloat16"} %}
{% block head %}
{% endblock %}
from __future__ import annotations

{% block libraries %}
import torch
import transformers
{% endblock %}

MODEL_TYPE = {{ model.model_type | py }}
{% block model %}
{% if checkpoint %}
CHECKPOINT = {{ checkpoint | py }}
{% else %}
# What differs from the type's default configuration: two layers and small widths.
CONFIG = {{ model.tiny | py }}
{% endif %}
{% endblock %}
PRECISION = {{ types[precision] }}
SEED = {{ seed }}

{% block body %}
{% endblock %}
