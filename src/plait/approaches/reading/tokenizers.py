"""Load a backbone's tokenizer, or refuse it where texts would not reach the model as they are.

transformers builds a tokenizer of a few marks, and says nothing, where a backbone's folder lacks
the vocabulary: every text becomes unknown tokens, or none.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoTokenizer

from plait.errors import PlaitError

_FILES = ("tokenizer.json", "tekken.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")
_NEEDED = (
    "needed is tokenizer.json, which all fast tokenizers have, or the vocabulary that the "
    "backbone's class names (vocab.txt; vocab.json and merges.txt; a .model file)"
)
_READERS = ("sentencepiece", "google.protobuf", "tiktoken")
# In several scripts: a sound tokenizer knows a word of one of them at least.
_SAMPLES = ("the", "water", "home", "12", "2024", "вода", "水", "ماء", "น้ำ", "पानी", "물", "νερό")
_SPACES = "▁Ġ "
_MARKS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token")
LEAST_SHARE = 0.5
"""Of the embedding's rows that a vocabulary fills. Embeddings are padded by a few hundred rows; a
tokenizer without its files fills less than 1 %."""


def load_tokenizer(folder: Path, name: str) -> Any:
    """The fast tokenizer of a folder; no code of the folder is run.

    Special tokens beyond the embedding that a text alone could spell out (an image's mark in the
    text part of a model) are taken from it: such a text is read letter by letter.

    Args:
        folder: the backbone's, with config.json.
        name: the backbone's, for messages.

    Raises:
        PlaitError: it doesn't load, has no character offsets, its vocabulary is not the
            embedding's, or it knows no word.
    """
    try:
        found = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # ValueError, OSError, KeyError, TypeError, ImportError, or tokenizers' bare Exception.
    except Exception as error:
        raise PlaitError(f"{_fails(name, error)} {_remedy(folder)}") from error
    if not found.is_fast:
        raise PlaitError(
            f"backbone {name!r}: its tokenizer ({type(found).__name__}) is written in Python and "
            "gives no character offsets, which plait needs. Choose a backbone with tokenizer.json."
        )
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False).get_text_config()
    size = getattr(config, "vocab_size", None)
    _check_filled(found, size or 0, folder, name)
    _check_samples(found, folder, name)
    if size is not None:
        _keep_within(found, size, name)
    return found


def _fails(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"backbone {name!r}: its tokenizer doesn't load ({type(error).__name__}: {reason})."


def _remedy(folder: Path) -> str:
    """What was found, what is needed, and what is missing."""
    files = sorted({path.name for pattern in _FILES for path in folder.glob(pattern)})
    found = f"Found {', '.join(files) or 'no file of a tokenizer'}; {_NEEDED}."
    missing = [each.removeprefix("google.") for each in _READERS if not _installed(each)]
    if missing and any(each.endswith(".model") for each in files):
        found += (
            f" A .model file alone takes sentencepiece and protobuf, or tiktoken; not installed: "
            f"{', '.join(missing)} (pip install {' '.join(missing)})."
        )
    return f"{found} Fetch what is missing, or choose another backbone (its own code is never run)."


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package within one that is not there
        return False


def _check_filled(tokenizer: Any, size: int, folder: Path, name: str) -> None:
    if len(tokenizer) < LEAST_SHARE * size:
        raise PlaitError(
            f"backbone {name!r}: its tokenizer has {len(tokenizer)} tokens, but the embedding "
            f"{size}: the vocabulary was not found. {_remedy(folder)}"
        )


def _keep_within(tokenizer: Any, size: int, name: str) -> None:
    """Leave no token beyond the embedding, whose index would be an error at any time."""
    added = tokenizer.added_tokens_decoder
    named = {str(mark) for each in _MARKS if (mark := getattr(tokenizer, each)) is not None}
    beyond = {token: i for token, i in tokenizer.get_vocab().items() if i >= size}
    reached = [
        token
        for token, i in sorted(beyond.items(), key=lambda item: item[1])
        if token in named or i not in added or not added[i].special
    ]
    if reached:
        raise PlaitError(
            f"backbone {name!r}: token {reached[0]!r} of its tokenizer is number "
            f"{beyond[reached[0]]}, but the embedding ends at {size - 1} (vocab_size of "
            f"config.json; {len(reached)} such token(s)). Tokenizer and weights belong to two "
            "models: fetch both from one commit."
        )
    if beyond:
        content = json.loads(tokenizer.backend_tokenizer.to_str())
        content["added_tokens"] = [each for each in content["added_tokens"] if each["id"] < size]
        tokenizer._tokenizer = Tokenizer.from_str(json.dumps(content))


def _check_samples(tokenizer: Any, folder: Path, name: str) -> None:
    if not any(_known(tokenizer, text) for text in _SAMPLES):
        raise PlaitError(
            f"backbone {name!r}: its tokenizer knows none of {', '.join(_SAMPLES)}: its vocabulary "
            f"was not read. {_remedy(folder)}"
        )


def _known(tokenizer: Any, text: str) -> bool:
    """Whether a token stands for some of the text, and is more than a space's sign."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = tokenizer.convert_ids_to_tokens(ids)
    return any(piece != tokenizer.unk_token and piece.strip(_SPACES) for piece in pieces)
