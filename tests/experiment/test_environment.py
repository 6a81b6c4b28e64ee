"""The setting `environment`: which packages a training depends on, and by which version."""

from importlib import metadata
from pathlib import Path

import pytest

from plait.errors import PlaitError
from plait.experiment import environment
from plait.experiment.loading import check
from plait.stages import code
from projects import EMPTY, REPOSITORY

PACKAGES = ("torch", "scikit-learn", "transformers")
TRAIN = "plait.stages.train"


def lines(approach: str) -> dict[str, str]:
    found = environment.versions(PACKAGES, TRAIN, approach, ["full"]).splitlines()
    return {package: version for version, package in (line.split() for line in found)}


def test_a_version_is_major_and_minor_and_only_of_what_the_training_imports() -> None:
    assert set(lines("heads")) >= {"torch", "transformers"}
    assert "scikit-learn" in lines("linear")
    for package, version in lines("heads").items():
        assert metadata.version(package).startswith(f"{version}.")
        assert version.count(".") == 1


def digests(folder: Path, packages: str) -> dict[str, str]:
    """What the stage `code` writes for this repository's params.yaml with another environment."""
    params = (REPOSITORY / "params.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(f"{params}\nenvironment: [{packages}]\n", encoding="utf-8")
    code.main()
    paths = (folder / "digests").rglob("*")
    return {str(p.relative_to(folder / "digests")): p.read_text() for p in paths if p.is_file()}


def test_another_version_changes_the_digests_of_the_trainings_that_import_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    without, before = digests(tmp_path, ""), digests(tmp_path, "transformers")
    real = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "99.1.2" if name == "transformers" else real(name)
    )
    after = digests(tmp_path, "transformers")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if before[name] != without[name]}
    trainings = {name for name in before if name.startswith("train/")}
    assert changed < trainings
    assert "train/minilm-intent" in changed
    assert digests(tmp_path, "") == without


def test_unknown_and_impossible_packages_are_refused() -> None:
    with pytest.raises(PlaitError, match=r"environment: found 'torhc', expected an installed"):
        environment.versions(["torhc"], TRAIN, "heads", [])
    with pytest.raises(PlaitError, match=r"environment.1: found '-r x', expected the name of a"):
        check({**EMPTY, "environment": ["torch", "-r x"]}, "params.yaml")
