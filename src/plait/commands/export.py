"""`plait export`: a promoted model where people already work."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

TEXTS = 24
"""Dev texts of a candidate that answers are compared on, beside plait's own."""


def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="CANDIDATE|SERVICE",
            help="A bundle in models/, a folder with a slash in its name, or a service, whose "
            "champion is exported.",
        ),
    ],
    to: Annotated[str, typer.Option(help="Format: transformers, onnx, vllm or skops.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it appears whole or not at all.")],
    task: Annotated[
        str | None, typer.Option(help="The task; needed for transformers if there are several.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Export a trained model as a folder that other libraries load, with the same answers.

    **transformers** (approach heads): one task, for `pipeline("text-classification")` or
    `pipeline("token-classification")`; standard classes, no code of the folder is run.

    **onnx** (heads): graph, weights, tokenizer and a short program that answers by ONNX Runtime.

    **vllm** (generative): a causal language model, its prompts, and a grammar of its answers.

    **skops** (linear): a scikit-learn pipeline a task, without pickle; needs
    `pip install 'plait[export]'`.

    Before the folder appears, it is loaded and answers some texts beside plait: where a probability
    differs by more than 0.0001, nothing is written. Its README.md says how to load it, and what of
    its answers is equal. Examples:

    `plait export minilm-intent --to transformers --out intent-model`

    `plait export assistant --to onnx --out assistant-onnx`
    """
    from plait.errors import PlaitError
    from plait.exporting.formats import format_of
    from plait.exporting.writing import export as write

    format_of(to)
    if out.exists() and not force:
        raise PlaitError(f"--out {out}: exists already. Name another folder, or add --force.")
    bundles = _bundles(name, task)
    texts = list(dict.fromkeys(text for each in bundles for text in _texts(each)))
    found = write(bundles, to, out, task, texts, _origins())
    for candidate, compared in found.items():
        folder = out if len(found) == 1 else out / candidate
        typer.echo(
            f"{candidate}: exported to {folder}. {compared.texts} texts answered by it and by "
            f"plait: largest difference of a probability: {compared.largest:.1e}"
        )
        for sentence in compared.said:
            typer.echo(f"  {sentence}")


def _bundles(name: str, task: str | None) -> dict[str, Path]:
    """By candidate the bundles that are meant; of a service the one that answers the task."""
    from plait.bundle import CANDIDATE, STOPPED, resolved
    from plait.errors import PlaitError
    from plait.registry.store import Registry
    from plait.running.project import root

    if "/" in name:
        return {resolved(Path(name)).name: Path(name)}
    folder = root() / "models" / name
    trained = any((folder / each).is_file() for each in (CANDIDATE, STOPPED))
    registry = Registry(root())
    served = name in registry.services()
    if trained and served:
        raise PlaitError(
            f"{name!r}: found a bundle in models/ and a service of that name. For the bundle give "
            f"models/{name}; a service's bundles are those of its candidates."
        )
    if trained:
        return {name: folder}
    if served:
        return _champion(registry, name, task)
    raise _unknown(name, registry.services())


def _champion(registry: Any, service: str, task: str | None) -> dict[str, Path]:
    from plait.errors import PlaitError, did_you_mean

    record = registry.require(service)
    if task is not None and task not in record.tasks:
        raise PlaitError(
            f"--task: service {service!r} has no task {task!r}"
            f"{did_you_mean(task, list(record.tasks))}"
        )
    wanted = [record.tasks[task]] if task else list(record.bundles)
    return {each: registry.bundle(record.bundles[each]) for each in wanted}


def _unknown(name: str, services: list[str]) -> Exception:
    from plait.errors import PlaitError, did_you_mean
    from plait.running.project import root

    trained = [path.parent.name for path in (root() / "models").glob("*/bundle.json")]
    return PlaitError(
        f"{name!r}: found neither a bundle in models/ nor a service with a champion"
        f"{did_you_mean(name, [*trained, *services])}"
    )


def _texts(candidate: str) -> Iterator[str]:
    """Some dev texts of a candidate, where its rows are here."""
    from plait.files import read_jsonl

    for path in sorted(Path("inputs", candidate, "dev").glob("*.jsonl")):
        yield from (row["text"] for row in islice(read_jsonl(path), TEXTS))


def _origins() -> Mapping[str, str]:
    """By backbone of params.yaml, where it comes from and under which licence, in Markdown."""
    from plait.errors import PlaitError
    from plait.experiment.loading import load

    try:
        known = load(Path("params.yaml")).backbones
    except PlaitError:  # a bundle alone can be exported, too
        return {}
    return {name: _origin(name, entry) for name, entry in known.items()}


def _origin(name: str, entry: Any) -> str:
    from plait.pages.markdown import escape

    told = entry.model_dump(exclude_none=True, exclude_defaults=True, mode="json")
    kept = {key: value for key, value in told.items() if key != "kind"}
    source = next(iter(kept.items()), None)
    named = "" if source is None else f", from {escape(_said(*source))}"
    licence = _licence(Path("weights", name))
    return f"Backbone {escape(name)}{named}; its licence: {escape(licence or 'not known here')}."


def _said(key: str, value: Any) -> str:
    if not isinstance(value, dict):
        return f"{key} {value}"
    return f"{key} " + ", ".join(f"{k} {v}" for k, v in value.items() if isinstance(v, str))


def _licence(weights: Path) -> str | None:
    """What the model card of fetched weights says."""
    import re

    card = weights / "README.md"
    if not card.is_file():
        return None
    found = re.search(r"^license: *(\S+)", card.read_text("utf-8", "replace"), re.MULTILINE)
    return found[1] if found else None
