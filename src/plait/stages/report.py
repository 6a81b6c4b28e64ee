"""scores, predictions, timings, validation, curves → report/."""

from pathlib import Path
from typing import Any

from plait.benchmark import looks
from plait.errors import PlaitError
from plait.experiment import loading
from plait.files import read_json, read_jsonl
from plait.report.page import write_report
from plait.report.results import Measured, collect
from plait.running import durations
from plait.stages import run
from plait.training.history import read_curves
from plait.validation.gates import GATES, stopped


def main() -> None:
    settings = loading.load()
    out = stopped(GATES, settings.candidates)
    measured = {name: _measured(name) for name in settings.candidates if name not in out}
    requests = {
        name: _read(Path("timings/requests", f"{name}.json"), f"timings/dvc.yaml:request@{name}")
        for name in settings.services
    }
    checks = _read(Path("validation/report.json"), "validate")
    pins = {task: rows for found in measured.values() for task, rows in found.pins().items()}
    seen = looks.count(looks.LEDGER, pins)
    trained = durations.training(durations.LEDGER, settings.candidates)
    results = collect(settings, measured, requests, checks, seen, trained, out)
    write_report(results, Path("report"))


def _measured(name: str) -> Measured:
    folder = Path("predictions", name)
    return Measured(
        scores=_read(Path("scores", f"{name}.json"), f"benchmark@{name}"),
        details=_read(folder / "details.json", f"benchmark@{name}"),
        predictions={path.stem: list(read_jsonl(path)) for path in sorted(folder.glob("*.jsonl"))},
        mistakes=_read(folder / "mistakes.json", f"benchmark@{name}"),
        timing=_read(Path("timings/measured", f"{name}.json"), f"timings/dvc.yaml:timing@{name}"),
        curves=read_curves(Path("curves", name)),
    )


def _read(path: Path, stage: str) -> Any:
    if not path.is_file():
        raise PlaitError(f"{path}: no such file, so there is no report. Run `dvc repro {stage}`.")
    return read_json(path)


if __name__ == "__main__":
    run(main)
