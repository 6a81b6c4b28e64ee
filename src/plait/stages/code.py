"""src/plait → digests/STAGE, digests/STAGE/CANDIDATE: what the other stages depend on.

A stage that answers or trains with one candidate's model runs the code of its approach alone. A
training also depends on the versions of the packages that the setting `environment` names.
"""

from pathlib import Path

from plait.code import digest
from plait.experiment.environment import versions
from plait.experiment.loading import load
from plait.experiment.schema import Experiment
from plait.files import atomic_folder
from plait.stages import run

FOLDER = Path("digests")
OF_A_CANDIDATE = ("train", "benchmark", "timing")
TRAINING = ("train",)


def main() -> None:
    experiment = load()
    every = sorted({candidate.approach for candidate in experiment.candidates.values()})
    with atomic_folder(FOLDER) as folder:
        for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
            stage = path.stem
            if stage in OF_A_CANDIDATE:
                _of_candidates(stage, experiment, folder / stage)
            else:
                (folder / stage).write_text(digest(f"plait.stages.{stage}", every))


def _of_candidates(stage: str, experiment: Experiment, folder: Path) -> None:
    folder.mkdir()
    for name, candidate in experiment.candidates.items():
        methods = [candidate.method] if stage in TRAINING else []
        module = f"plait.stages.{stage}"
        found = digest(module, [candidate.approach], methods)
        if stage in TRAINING:
            found += versions(experiment.environment, module, candidate.approach, methods)
        (folder / name).write_text(found)


if __name__ == "__main__":
    run(main)
