"""Find the backbone that is to be examined, and lay it out as `plait fetch` does."""

from pathlib import Path
from typing import Literal

from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from plait.errors import PlaitError
from plait.files import read_json, write_json

Kind = Literal["encoder", "decoder"]
KEPT = "backbone.json"


def laid_out(found: Path, kind: Kind | None, scratch: Path) -> Path:
    """A folder of links to a backbone's files, and its kind, which `kind` overrides.

    Raises:
        PlaitError: no kind is given and none follows from the architecture.
    """
    folder = scratch / found.resolve().name
    folder.mkdir()
    for path in found.resolve().iterdir():
        if path.name != KEPT and path.is_file():
            (folder / path.name).symlink_to(path)
    write_json(folder / KEPT, {"kind": kind or _kind(found)})
    return folder


def kind_of(folder: Path) -> str:
    """The kind of a backbone that is laid out."""
    return str(read_json(folder / KEPT)["kind"])


def _kind(folder: Path) -> str:
    if (folder / KEPT).is_file():
        return kind_of(folder)
    try:
        architecture = AutoConfig.from_pretrained(folder, trust_remote_code=False).model_type
    except (ValueError, OSError, KeyError) as error:
        raise PlaitError(
            f"{folder / 'config.json'}: transformers cannot read it ({error}). Expected the "
            "configuration of a model that it knows."
        ) from error
    if architecture in MODEL_FOR_MASKED_LM_MAPPING_NAMES:  # some of them can be decoders as well
        return "encoder"
    if architecture in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "decoder"
    raise PlaitError(
        f"{folder / 'config.json'}: found model_type {architecture!r}, expected a masked or a "
        "causal language model. If plait should try it all the same, give --kind."
    )
