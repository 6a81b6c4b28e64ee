"""scores, predictions, timings/measured, validation → report/."""

from pathlib import Path
from typing import Any

from plait import experiment
from plait.errors import PlaitError
from plait.files import read_json, read_jsonl
from plait.report import Measured, collect, write_report
from plait.stages import run


def main() -> None:
    settings = experiment.load()
    measured = {name: _measured(name) for name in settings.candidates}
    checks = _read(Path("validation/report.json"), "validate")["results"]
    write_report(collect(settings, measured, checks), Path("report"))


def _measured(name: str) -> Measured:
    folder = Path("predictions", name)
    return Measured(
        scores=_read(Path("scores", f"{name}.json"), f"benchmark@{name}"),
        details=_read(folder / "details.json", f"benchmark@{name}"),
        predictions={path.stem: list(read_jsonl(path)) for path in sorted(folder.glob("*.jsonl"))},
        timing=_read(Path("timings/measured", f"{name}.json"), f"timings/dvc.yaml:timing@{name}"),
    )


def _read(path: Path, stage: str) -> Any:
    if not path.is_file():
        raise PlaitError(f"{path}: no such file, so there is no report. Run `dvc repro {stage}`.")
    return read_json(path)


if __name__ == "__main__":
    run(main)
