"""Write an export whole or not at all, after it has shown that it answers as plait does."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from plait import bundle
from plait.approaches.base import Resolved
from plait.errors import PlaitError
from plait.exporting.cards import card
from plait.exporting.exported import CLOSE, Comparison, Exported, chosen
from plait.exporting.formats import Format, check, format_of
from plait.exporting.samples import SAMPLES
from plait.files import atomic_folder
from plait.progress import Progress


def export(
    bundles: Mapping[str, Path],
    name: str,
    out: Path,
    task: str | None = None,
    texts: Sequence[str] = (),
    origins: Mapping[str, str] | None = None,
) -> dict[str, Comparison]:
    """Export bundles into a folder: one into it, several into folders of their names.

    Args:
        bundles: candidate → its bundle.
        name: of the format.
        task: the task to export; default: all, where the format can.
        texts: further texts to compare answers on.
        origins: backbone → where it comes from, in Markdown.

    Returns:
        By candidate what the comparison with plait's answers found.

    Raises:
        PlaitError: the format doesn't suit, or answers differ; then nothing is written.
    """
    entry = format_of(name)
    parts = _parts(bundles, name, entry, task, origins or {})
    found: dict[str, Comparison] = {}
    with (
        atomic_folder(out) as partial,
        Progress(2 * len(parts), f"export to {name}", "step") as bar,
    ):
        for exported in parts:
            folder = partial if len(parts) == 1 else partial / exported.candidate.name
            folder.mkdir(exist_ok=True)
            found[exported.candidate.name] = _write(exported, name, entry, folder, texts, bar)
    return found


def _parts(
    bundles: Mapping[str, Path],
    name: str,
    entry: Format,
    task: str | None,
    origins: Mapping[str, str],
) -> list[Exported]:
    parts = []
    for folder in bundles.values():
        candidate = bundle.resolved(folder)
        check(name, candidate.name, candidate.approach)
        tasks = chosen(candidate, task, entry.single)
        _check_kinds(name, entry, candidate, [each.kind for each in tasks])
        parts.append(Exported(candidate, folder, tasks, origins.get(candidate.backbone, "")))
    return parts


def _check_kinds(name: str, entry: Format, candidate: Resolved, kinds: Sequence[str]) -> None:
    if unfit := sorted({*kinds} - {*entry.kinds}):
        raise PlaitError(
            f"--to {name}: candidate {candidate.name!r} has a task of kind {unfit[0]}, and this "
            f"format has {' and '.join(entry.kinds)} alone. Name another task with --task, or "
            "load the bundle with `plait.load`."
        )


def _write(
    exported: Exported,
    name: str,
    entry: Format,
    folder: Path,
    texts: Sequence[str],
    bar: Progress,
) -> Comparison:
    module = import_module(f"plait.exporting.{entry.module}")
    usage: str = module.write(exported, folder)
    bar.update()
    found: Comparison = module.compare(exported, folder, list(dict.fromkeys([*SAMPLES, *texts])))
    if not found.largest <= CLOSE:  # not a number is refused, too
        raise PlaitError(
            f"--to {name}: of candidate {exported.candidate.name!r} the largest difference of a "
            f"probability to plait's is {found.largest:.2g}, at most {CLOSE:g} may be. Nothing was "
            "written; answer with `plait.load`, or export it in another format."
        )
    (folder / "README.md").write_text(card(exported, name, usage, found), encoding="utf-8")
    bar.update()
    return found
