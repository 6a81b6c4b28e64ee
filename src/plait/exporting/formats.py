"""The formats of exports: each has a module here and one line below.

A module has `write(exported, folder)`, which returns the README's part on its use, and
`compare(exported, folder, texts)`, which loads what was written and returns a `Comparison`.
"""

from dataclasses import dataclass

from plait.errors import PlaitError
from plait.tasks import TaskKind

ALL: tuple[TaskKind, ...] = ("classification", "multilabel", "tagging")


@dataclass(frozen=True)
class Format:
    """What can be exported in a format.

    Attributes:
        approach: of the bundles that it takes.
        kinds: of their tasks.
        module: of this package.
        single: whether a folder holds one task alone.
        made: what the folder is, in words.
    """

    approach: str
    module: str
    made: str
    kinds: tuple[TaskKind, ...] = ALL
    single: bool = False


FORMATS: dict[str, Format] = {
    "onnx": Format("heads", "graph", "an ONNX graph with all heads, for ONNX Runtime"),
    "skops": Format(
        "linear",
        "scikit",
        "a scikit-learn pipeline a task, saved without pickle",
        ("classification", "multilabel"),
    ),
    "transformers": Format("heads", "standard", "a model for `transformers.pipeline`", single=True),
    "vllm": Format("generative", "served", "a causal language model for vLLM, with grammars"),
}


def format_of(name: str) -> Format:
    """The format of that name.

    Raises:
        PlaitError: there is none.
    """
    if name not in FORMATS:
        known = "; ".join(f"{each}: {FORMATS[each].made}" for each in FORMATS)
        raise PlaitError(f"--to: found {name!r}, expected a format ({known})")
    return FORMATS[name]


def check(name: str, candidate: str, approach: str) -> None:
    """Refuse a format that doesn't suit a bundle's approach.

    Raises:
        PlaitError: names the formats that do.
    """
    wanted = format_of(name).approach
    if wanted == approach:
        return
    suiting = [each for each, entry in FORMATS.items() if entry.approach == approach]
    raise PlaitError(
        f"--to {name}: found candidate {candidate!r} of approach {approach}, expected one of "
        f"approach {wanted}. "
        + (
            f"It can be exported --to {' or '.join(suiting)}."
            if suiting
            else f"Approach {approach} has no export: answer with `plait.load`."
        )
    )
