"""`plait.load`: a promoted model, a published package or a bundle, as one object that predicts."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, overload

from plait import bundle
from plait.approaches.base import Approach
from plait.errors import PlaitError
from plait.registry.stage import Stage
from plait.serving.service import Reply, Service, replies
from plait.tasks import Task


class Predictor:
    """Loaded models, each once, which answer as often as asked.

    Attributes:
        tasks: what is answered: name → kind (`classification`, `multilabel`, `tagging`), labels.
    """

    def __init__(self, models: Mapping[str, Approach], owners: Mapping[str, str]) -> None:
        """Args: models by candidate, and by task the candidate that answers it."""
        self._models, self._owners = dict(models), dict(owners)
        known = {(name, task.name): task for name, m in models.items() for task in m.tasks}
        self.tasks: Mapping[str, Task] = {t: known[name, t] for t, name in owners.items()}

    @overload
    def predict(self, texts: str, batch_size: int = 32) -> Reply: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, texts: Sequence[str], batch_size: int = 32) -> list[Reply]: ...
    def predict(self, texts: str | Sequence[str], batch_size: int = 32) -> Reply | list[Reply]:
        """Answer one text by one `Reply`, or several by a list in their order.

        Args:
            texts: any number, of any length. An answer doesn't depend on the texts beside it.
            batch_size: texts that a model reads at once: more are faster and take more memory.

        Raises:
            PlaitError: a text has no visible character, or some that UTF-8 doesn't.
        """
        several = [texts] if isinstance(texts, str) else list(texts)
        found = replies(self._models, self._owners, several, batch_size)
        return found[0] if isinstance(texts, str) else found


def load(
    service: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] = ".",
    stage: Stage = "production",
) -> Predictor:
    """Load what answers a service's tasks.

    Args:
        service: a service's name, whose champion answers; None where there is only one. A `Path`,
            or a string with a slash (`./package`), is a folder: a published package (what `plait
            publish` makes and `dvc artifacts get` brings) or one bundle (`models/CANDIDATE`).
        root: the project's folder, whose registry is read; not used for folders.
        stage: the stage whose champion is wanted: `production` or `staging`.

    Raises:
        PlaitError: no champion, an unknown service, several and none named, a folder of another
            kind, or a bundle that was altered.
    """
    if service is not None and not _is_name(service):
        return _opened(Path(service))
    return _of(Service.load(None if service is None else str(service), Path(root), stage))


def _is_name(service: str | os.PathLike[str]) -> bool:
    named = isinstance(service, str) and service not in (".", "..")
    return named and not {"/", os.sep} & set(str(service))


def _opened(folder: Path) -> Predictor:
    kind = _kind(folder)
    if kind == "package":
        return _of(Service.open(folder))
    if kind == "nothing":
        raise PlaitError(
            f"{folder}: found neither {bundle.CANDIDATE} (a bundle, as in models/) nor record.json "
            "(a package, as `plait publish` makes). Name such a folder, or a service."
        )
    candidate, model = bundle.load(folder)
    return Predictor(
        {candidate.name: model}, {task.name: candidate.name for task in candidate.tasks}
    )


def _kind(folder: Path) -> Literal["package", "bundle", "nothing"]:
    if (folder / "record.json").is_file():
        return "package"
    bundled = (bundle.CANDIDATE, bundle.STOPPED)
    return "bundle" if any((folder / name).is_file() for name in bundled) else "nothing"


def _of(served: Service) -> Predictor:
    return Predictor(served.models, served.champion.tasks)
