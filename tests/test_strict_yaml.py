"""params.yaml as a file: what is no experiment at all is refused in one line that says where."""

from pathlib import Path

import pytest

from plait import strict_yaml
from plait.errors import PlaitError
from plait.experiment.loading import load


def refused(tmp_path: Path, text: str | bytes) -> str:
    """What `load` says of a file with this content."""
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PlaitError) as error:
        load(path)
    return str(error.value).replace(str(path), "params.yaml")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(
        PlaitError, match=r"no such file\. Write one with `plait configure default`"
    ):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"])
def test_empty_file(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text) == (
        "params.yaml: found nothing, expected the sections datasets, tasks, backbones, training, "
        "validation, candidates, services. Write an example with `plait configure default`."
    )


def test_no_mapping(tmp_path: Path) -> None:
    assert refused(tmp_path, "- a\n- b\n").startswith(
        "params.yaml: found a list, expected the sections"
    )


def test_a_key_twice(tmp_path: Path) -> None:
    text = "tasks:\n  intent: {dataset: a}\n  slots: {}\n  intent: {dataset: b}\n"
    assert refused(tmp_path, text) == (
        "params.yaml, line 4: found the key 'intent' a second time in one section; keep one of them"
    )


def test_a_tab(tmp_path: Path) -> None:
    assert refused(tmp_path, "tasks:\n\tintent: {}\n") == (
        "params.yaml, line 2: found a tab at the line's beginning; YAML is indented with spaces"
    )


def test_no_yaml(tmp_path: Path) -> None:
    assert refused(tmp_path, "tasks: {intent: [a\nseed: 1\n").startswith(
        "params.yaml, line 2: not readable as YAML: did not find expected"
    )


def test_other_characters_than_utf8(tmp_path: Path) -> None:
    assert refused(tmp_path, "seed: 1\n# gr\u00fc\u00df\n".encode("latin-1")) == (
        "params.yaml, line 2: found byte 0xfc, expected UTF-8; save the file as UTF-8"
    )


def test_nul_character(tmp_path: Path) -> None:
    assert refused(tmp_path, "seed: \0\n").startswith(
        "params.yaml: not readable as YAML: unacceptable character #x0000"
    )


def test_numbers_and_words_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("rate: 1e-4\nlabels: [on, off, no]\n")
    assert strict_yaml.read(path) == {"rate": 1e-4, "labels": ["on", "off", "no"]}
