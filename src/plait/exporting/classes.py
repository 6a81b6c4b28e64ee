"""Which standard class of transformers computes what one of plait's heads does, and how.

Each architecture has its names for the same modules; here they are looked up.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    LlamaConfig,
)
from transformers.models.auto import modeling_auto

from plait.approaches.heads.kept import Reading
from plait.errors import PlaitError
from plait.exporting import folding
from plait.exporting.folding import Layer

State = Mapping[str, Tensor]
NO_CLASS = (
    "export it with --to onnx, which holds the very same network, or load the bundle with "
    "`plait.load`"
)


def tagger(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    """A `…ForTokenClassification` with plait's head.

    Args:
        config: of the backbone, with `num_labels` and the labels.
        state: the backbone's weights.
    """
    _require(config, modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES, "tokens")
    if config.model_type == "modernbert":
        _linear_head(config)
    model = AutoModelForTokenClassification.from_config(config)
    _fill(model, state)
    if config.model_type == "modernbert":
        head = model.head
        folding.through_norm(head.dense, head.norm, model.classifier, weight, bias)
        return model.eval()
    linear = model.classifier if hasattr(model, "classifier") else model.score
    linear.weight.data.copy_(weight)
    linear.bias.data.copy_(bias)
    return model.eval()


def classifier(config: Any, reading: Reading, state: State, weight: Tensor, bias: Tensor) -> Any:
    """A `…ForSequenceClassification` that computes plait's logits.

    Raises:
        PlaitError: no standard class of the architecture can.
        folding.TooNarrowError: the model is too narrow for that many classes.
    """
    _require(config, modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES, "texts")
    build = (_DECODERS if reading.decoder else _ENCODERS).get(config.model_type)
    if build is None or (reading.attention == "bidirectional" and reading.decoder):
        raise no_class(config, "no standard class reads a text as plait does")
    model = build(config, state, weight, bias)
    return model.eval()


def renamed(config: Any) -> Any:
    """The configuration as a Llama's, where the model is one under another name.

    Mistral without windows is; so is Qwen2, whose queries, keys and values have biases. As a Llama
    they have the biases that a head needs, and the tokenizer that is in the folder:
    for Qwen2 transformers always makes its own.
    """
    kinds = {*(getattr(config, "layer_types", None) or ())}
    window = getattr(config, "sliding_window", None) if config.model_type == "mistral" else None
    if config.model_type not in ("mistral", "qwen2") or kinds - {"full_attention"} or window:
        return config
    told = config.to_dict()
    for name in ("model_type", "architectures", "transformers_version", "layer_types"):
        told.pop(name, None)
    return LlamaConfig(**told, attention_bias=config.model_type == "qwen2")


def no_class(config: Any, why: str) -> PlaitError:
    """The error of an architecture that has no class for a head."""
    return PlaitError(
        f"--to transformers: architecture {config.model_type}: {why}. Instead, {NO_CLASS}."
    )


def _require(config: Any, known: Mapping[str, str], what: str) -> None:
    if config.model_type not in known:
        raise no_class(config, f"transformers has no class that classifies {what} with it")


def _fill(model: Any, state: State, deeper: bool = False) -> None:
    """Put the backbone's weights into a model; but for poolers, all are used.

    Biases that the backbone lacks are zero.
    """
    body = dict(model.base_model.named_parameters())
    zeros = {name: torch.zeros_like(body[name]) for name in body.keys() - state.keys()}
    extra = {name: value for name, value in zeros.items() if name.endswith("_proj.bias")}
    missing, unexpected = model.base_model.load_state_dict({**state, **extra}, strict=False)
    unexpected = [name for name in unexpected if not name.startswith("pooler.")]
    missing = [name for name in missing if not deeper and not name.startswith("pooler.")]
    if missing or unexpected:
        raise no_class(model.config, f"its classes name weights differently ({unexpected[:1]})")


def _deeper(config: Any, state: State) -> Any:
    """The standard model with one layer more than the backbone."""
    config.num_hidden_layers += 1
    model = AutoModelForSequenceClassification.from_config(config)
    _fill(model, state, deeper=True)
    return model


def _bert(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    model = _deeper(config, state)
    _average_bert(model.base_model.encoder.layer[-1], weight)
    folding.through_dense(model.base_model.pooler.dense, model.classifier, bias)
    return model


def _average_bert(last: Any, weight: Tensor) -> None:
    attention = last.attention
    own = getattr(attention, "self")  # noqa: B009
    value = own.value_proj if hasattr(own, "value_proj") else own.value
    mixed, norm = attention.output.dense, attention.output.LayerNorm
    layer = Layer(value, mixed, norm, last.output.dense, last.output.LayerNorm)
    folding.average(last, layer, weight)


def _roberta(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    model = _deeper(config, state)
    _average_bert(model.base_model.encoder.layer[-1], weight)
    folding.through_dense(model.classifier.dense, model.classifier.out_proj, bias)
    return model


def _electra(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    model = _deeper(config, state)
    _average_bert(model.base_model.encoder.layer[-1], weight)
    folding.through_rectifier(model.classifier.dense, model.classifier.out_proj, bias)
    return model


def _deberta(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    config.pooler_hidden_act = "linear"
    config.pooler_hidden_size = config.hidden_size
    model = _deeper(config, state)
    _average_bert(model.base_model.encoder.layer[-1], weight)
    folding.through_dense(model.pooler.dense, model.classifier, bias, small=1.0)
    return model


def _distilbert(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    model = _deeper(config, state)
    last = model.base_model.transformer.layer[-1]
    own, wide = last.attention, last.ffn
    layer = Layer(own.v_lin, own.out_lin, last.sa_layer_norm, wide.lin2, last.output_layer_norm)
    folding.average(last, layer, weight)
    folding.through_rectifier(model.pre_classifier, model.classifier, bias)
    return model


def _albert(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    """Its layers share weights; here each has a copy, so that the last can be another."""
    depth, groups = config.num_hidden_layers, config.num_hidden_groups
    if config.inner_group_num != 1:
        raise no_class(config, "its groups hold several layers")
    parts = ("encoder.albert_layer_groups.{}.", depth / groups)
    apart = {n: v for n, v in state.items() if not n.startswith(parts[0].format("")[:-2])}
    for place in range(depth):
        source, target = parts[0].format(int(place / parts[1])), parts[0].format(place)
        shared = {n: v for n, v in state.items() if n.startswith(source)}
        apart |= {target + n.removeprefix(source): v for n, v in shared.items()}
    config.num_hidden_groups = depth + 1
    model = _deeper(config, apart)
    last = model.base_model.encoder.albert_layer_groups[-1].albert_layers[0]
    own = last.attention
    layer = Layer(own.value, own.dense, own.LayerNorm, last.ffn_output, last.full_layer_layer_norm)
    folding.average(last, layer, weight)
    folding.through_dense(model.base_model.pooler, model.classifier, bias)
    return model


def _modernbert(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    config.classifier_pooling = "mean"
    _linear_head(config)
    model = AutoModelForSequenceClassification.from_config(config)
    _fill(model, state)
    head = model.head
    folding.through_norm(head.dense, head.norm, model.classifier, weight, bias)
    return model


def _linear_head(config: Any) -> None:
    config.classifier_bias, config.classifier_activation = True, "linear"


def _last_norm(name: str) -> "Build":
    def build(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
        model = AutoModelForSequenceClassification.from_config(config)
        _fill(model, state)
        folding.into_norm(getattr(model.base_model, name), model.score, weight, bias)
        return model

    return build


def _self_attending(config: Any, state: State, weight: Tensor, bias: Tensor) -> Any:
    config.attention_bias = True
    if getattr(config, "layer_types", None):
        config.layer_types = [*config.layer_types, config.layer_types[-1]]
    model = _deeper(config, state)
    body = model.base_model
    folding.into_attention(body.layers[-1], body.norm, model.score, weight, bias)
    return model


Build = Callable[[Any, State, Tensor, Tensor], Any]
_ENCODERS: dict[str, Build] = {
    "albert": _albert,
    "bert": _bert,
    "deberta-v2": _deberta,
    "distilbert": _distilbert,
    "electra": _electra,
    "modernbert": _modernbert,
    "roberta": _roberta,
    "xlm-roberta": _roberta,
}
_DECODERS: dict[str, Build] = {
    "gpt2": _last_norm("ln_f"),
    "gpt_neox": _last_norm("final_layer_norm"),
    "llama": _self_attending,
    "qwen3": _self_attending,
    "stablelm": _last_norm("norm"),
}
