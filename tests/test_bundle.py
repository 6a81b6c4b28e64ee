"""Bundles are written whole or not at all."""

from pathlib import Path

import pytest

import small
from plait import bundle
from plait.approaches.base import Approach, Resolved
from plait.approaches.linear import Linear
from plait.errors import PlaitError
from plait.files import read_json, write_json
from production import file_size_limit


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Resolved, Approach]:
    candidate = small.candidate("tfidf-intent", [small.INTENT])
    folder = tmp_path_factory.mktemp("scratch")
    rows = {"home": small.rows(0, 2)}
    return candidate, Linear.train(candidate, folder, rows, rows, folder)


def test_a_bundle_answers_as_the_model_that_was_saved(
    trained: tuple[Resolved, Approach], tmp_path: Path
) -> None:
    candidate, model = trained
    bundle.save(model, candidate, tmp_path / "bundle")
    assert {path.name for path in (tmp_path / "bundle").iterdir()} == {
        "README.md",
        "bundle.json",
        "coverage.json",
        "intent.safetensors",
        "intent.vocabulary.json",
    }
    found, loaded = bundle.load(tmp_path / "bundle")
    texts = [row.text for row in small.rows(1, 4)]
    assert found == candidate
    assert loaded.predict(texts) == model.predict(texts)


def test_where_a_write_fails_the_old_bundle_is_intact(
    trained: tuple[Resolved, Approach], tmp_path: Path
) -> None:
    candidate, model = trained
    folder = tmp_path / "bundle"
    bundle.save(model, candidate, folder)
    before = bundle.digest(folder)
    sizes = sorted(path.stat().st_size for path in folder.iterdir())
    for limit in (0, *(size - 1 for size in sizes)):
        with pytest.raises(PlaitError) as error, file_size_limit(limit):
            bundle.save(model, candidate, folder)
        message = str(error.value)
        assert message.startswith(f"{folder}: the bundle could not be written (")
        assert "File too large" in message
        assert "nothing half-written is left. Free some disk space" in message
        assert message.endswith(f"`dvc checkout {folder}` brings that back meanwhile.")
        assert bundle.digest(folder) == before
        assert list(tmp_path.iterdir()) == [folder]


def test_every_byte_and_name_is_part_of_the_digest(
    trained: tuple[Resolved, Approach], tmp_path: Path
) -> None:
    candidate, model = trained
    folder = tmp_path / "bundle"
    bundle.save(model, candidate, folder)
    digests = {bundle.digest(folder)}
    (folder / "README.md").write_text("another card\n")
    digests.add(bundle.digest(folder))
    (folder / "README.md").rename(folder / "CARD.md")
    digests.add(bundle.digest(folder))
    (folder / "bundle.json").unlink()
    digests.add(bundle.digest(folder))
    assert len(digests) == 4


def test_no_bundle_and_another_format_are_named(
    trained: tuple[Resolved, Approach], tmp_path: Path
) -> None:
    candidate, model = trained
    folder = tmp_path / "bundle"
    with pytest.raises(PlaitError, match=r"no bundle here \(no bundle.json\)\. Train it"):
        bundle.load(folder)
    bundle.save(model, candidate, folder)
    write_json(folder / "bundle.json", {**read_json(folder / "bundle.json"), "format": 99})
    with pytest.raises(PlaitError, match=r"bundle\.json: a bundle of format 99, expected 4"):
        bundle.load(folder)
