"""Tiny random backbones of many architectures, each a folder as a download would leave it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM, TokenizersBackend

from plait.files import write_json
from toy_tokenizers import LLAMA3, byte_fallback, byte_level, unigram, word_pieces

SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 1024,
}
ENCODER = {**SIZES, "initializer_range": 0.1}
DECODER = {**SIZES, "num_key_value_heads": 2, "head_dim": 16, "initializer_range": 0.06}
WINDOW = 24
"""Tokens of a sliding window: fewer than a prompt or a long text has."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('Only user and assistant roles are supported') }}"
    "{% elif m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
PHI = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
WORD_PIECE = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
GEMMA = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
COHERE = ("<PAD>", "<UNK>", "<CLS>", "<SEP>", "<MASK_TOKEN>", "<BOS_TOKEN>", "<EOS_TOKEN>")


@dataclass(frozen=True)
class Architecture:
    """How a tiny backbone is made.

    Attributes:
        config: name of the configuration's class in transformers.
        tokenizer: makes the tokenizer.
        settings: of the configuration, beside `ENCODER` or `DECODER`.
        marks: further special tokens, of the chat template.
    """

    kind: Literal["encoder", "decoder"]
    config: str
    tokenizer: Callable[[], Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    chat: str | None = None
    marks: tuple[str, ...] = ()


def _class(name: str) -> Any:
    return getattr(transformers, name)


def _encoder(config: str, tokenizer: Callable[[], Any], **settings: Any) -> Architecture:
    return Architecture("encoder", config, tokenizer, settings)


def _decoder(
    config: str,
    tokenizer: Callable[[], Any],
    chat: str | None = None,
    marks: tuple[str, ...] = (),
    **settings: Any,
) -> Architecture:
    return Architecture("decoder", config, tokenizer, settings, chat, marks)


def _word_piece(name: str) -> Callable[[], Any]:
    return partial(word_pieces, _class(name), *WORD_PIECE)


_gpt2 = partial(byte_level, _class("GPT2Tokenizer"), "<|endoftext|>")
_qwen = partial(byte_level, _class("Qwen2Tokenizer"), "<|endoftext|>")
_gemma = partial(byte_fallback, _class("GemmaTokenizer"), *GEMMA)
_llama = partial(byte_fallback, _class("LlamaTokenizer"), "<unk>", "<s>", "</s>")
_IM, _EOT = ("<|im_start|>", "<|im_end|>"), "<|eot_id|>"
_llama3 = partial(
    byte_level,
    TokenizersBackend,
    "<|begin_of_text|>",
    _EOT,
    pattern=LLAMA3,
    opening="<|begin_of_text|>",
    bos_token="<|begin_of_text|>",
    eos_token=_EOT,
)
_llama2_json = partial(
    byte_fallback,
    TokenizersBackend,
    "<unk>",
    "<s>",
    "</s>",
    prepend=True,
    bos_token="<s>",
    eos_token="</s>",
    unk_token="<unk>",
    pad_token="</s>",
)
_neox = partial(
    byte_level,
    TokenizersBackend,
    "<|endoftext|>",
    "<|padding|>",
    eos_token="<|endoftext|>",
    bos_token="<|endoftext|>",
    pad_token="<|padding|>",
)

ARCHITECTURES: dict[str, Architecture] = {
    "bert": _encoder("BertConfig", _word_piece("BertTokenizer")),
    "distilbert": _encoder(
        "DistilBertConfig",
        _word_piece("DistilBertTokenizer"),
        **{"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    ),
    "electra": _encoder("ElectraConfig", _word_piece("ElectraTokenizer"), embedding_size=32),
    "roberta": _encoder(
        "RobertaConfig", partial(byte_level, _class("RobertaTokenizer"), *ROBERTA), pad_token_id=1
    ),
    "xlm-roberta": _encoder(
        "XLMRobertaConfig",
        partial(unigram, _class("XLMRobertaTokenizer"), *ROBERTA),
        pad_token_id=1,
    ),
    "deberta-v2": _encoder(
        "DebertaV2Config",
        partial(unigram, _class("DebertaV2Tokenizer"), *WORD_PIECE),
        **{
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
    ),
    "modernbert": _encoder(
        "ModernBertConfig",
        partial(
            byte_level,
            TokenizersBackend,
            *WORD_PIECE,
            opening="[CLS]",
            closing="[SEP]",
            **{f"{name[1:-1].lower()}_token": name for name in WORD_PIECE},
        ),
        **{
            "num_hidden_layers": 4,
            "local_attention": WINDOW,
            "pad_token_id": 0,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "albert": _encoder(
        "AlbertConfig",
        partial(unigram, _class("AlbertTokenizer"), "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
        embedding_size=32,
    ),
    "mpnet": _encoder(
        "MPNetConfig",
        partial(word_pieces, _class("MPNetTokenizer"), "<s>", "<pad>", "</s>", "[UNK]", "<mask>"),
        pad_token_id=1,
    ),
    "llama (Llama 2's tokenizer)": _decoder("LlamaConfig", partial(_llama, add_bos_token=True)),
    "llama (Llama 2's tokenizer.json)": _decoder("LlamaConfig", _llama2_json),
    "llama (Llama 3's tokenizer)": _decoder(
        "LlamaConfig", _llama3, HEADERS, ("<|start_header_id|>", "<|end_header_id|>")
    ),
    "qwen2": _decoder("Qwen2Config", _qwen, CHATML, _IM, tie_word_embeddings=True),
    "qwen3": _decoder("Qwen3Config", _qwen, CHATML, _IM, tie_word_embeddings=True),
    "mistral": _decoder(
        "MistralConfig",
        partial(_llama, add_bos_token=True),
        INST,
        ("[INST]", "[/INST]"),
        sliding_window=WINDOW,
    ),
    "gemma2": _decoder(
        "Gemma2Config",
        partial(_gemma, add_bos_token=True),
        TURNS,
        ("<start_of_turn>", "<end_of_turn>"),
        **{"num_hidden_layers": 4, "sliding_window": WINDOW, "query_pre_attn_scalar": 16},
    ),
    "gemma3": _decoder(
        "Gemma3TextConfig",
        partial(_gemma, add_bos_token=True),
        TURNS,
        ("<start_of_turn>", "<end_of_turn>"),
        **{
            "num_hidden_layers": 4,
            "sliding_window": WINDOW,
            "query_pre_attn_scalar": 16,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    ),
    "phi3": _decoder(
        "Phi3Config",
        _llama,
        PHI,
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        pad_token_id=2,
    ),
    "granite": _decoder(
        "GraniteConfig",
        _gpt2,
        **{
            "logits_scaling": 8.0,
            "attention_multiplier": 0.2,  # of the usual 0.25
            "embedding_multiplier": 3.0,
            "residual_multiplier": 0.7,
        },
    ),
    "gpt2": _decoder("GPT2Config", _gpt2, **{"n_embd": 64, "n_layer": 2, "n_head": 4}),
    "olmo2": _decoder("Olmo2Config", _neox),
    "cohere": _decoder(
        "CohereConfig",
        partial(
            byte_level,
            _class("CohereTokenizer"),
            *COHERE,
            "<|END_OF_TURN_TOKEN|>",
            add_bos_token=True,
        ),
        logit_scale=0.25,
    ),
    "stablelm": _decoder("StableLmConfig", _neox, use_qkv_bias=True),
}

APPROACHES = {"encoder": ("heads",), "decoder": ("heads", "generative", "prompt")}
"""What is tried on each kind."""


def make(name: str, folder: Path, side: Literal["left", "right"] | None = None) -> Path:
    """Write the backbone; `side` pads on another side than the tokenizer's own."""
    made = ARCHITECTURES[name]
    tokenizer = made.tokenizer()
    if made.marks:
        tokenizer.add_special_tokens({"additional_special_tokens": list(made.marks)})
    if made.chat:
        tokenizer.chat_template = made.chat
    if side:
        tokenizer.padding_side = side
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = _configured(made, tokenizer)
    model = (AutoModelForCausalLM if made.kind == "decoder" else AutoModel).from_config(config)
    model.save_pretrained(folder)
    write_json(folder / "backbone.json", {"kind": made.kind})
    return folder


def _configured(made: Architecture, tokenizer: Any) -> Any:
    """The special tokens' numbers are the tokenizer's, as in a real backbone."""
    sizes = DECODER if made.kind == "decoder" else ENCODER
    numbers = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")
    }
    return _class(made.config)(
        **{**sizes, **numbers, "vocab_size": len(tokenizer), **made.settings}
    )
