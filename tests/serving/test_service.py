"""`plait predict` and `plait.serving`: the champion answers; what it can't answer is named."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import projects
import small
from plait import bundle
from plait.commands.predict import predict
from plait.commands.promote import promote as promote_command
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.plans.promotion import promote
from plait.serving.service import Service
from plait.strict_yaml import read
from production import PARAMS, experiment, measure

TEXT = "turn on the reading light in the living room"


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `assistant` has a champion."""
    folder = tmp_path_factory.mktemp("promoted")
    measure(folder)
    promote(experiment(), folder)
    return folder


@pytest.fixture
def root(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the working folder."""
    shutil.copytree(promoted, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def run(*arguments: str, stdin: str | bytes = "", command: Any = predict) -> str:
    """What a command prints."""
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception:
        raise result.exception
    return result.stdout


def refused(*arguments: str, stdin: str | bytes = "") -> str:
    with pytest.raises(PlaitError) as error:
        run(*arguments, stdin=stdin)
    return str(error.value)


def other_service(root: Path, name: str) -> None:
    shutil.copytree(root / "registry/assistant", root / "registry" / name)


def test_an_answer_for_a_person(root: Path) -> None:
    shown = re.sub(r"[01]\.\d{3}$", "P", run(TEXT, "--service", "assistant"), flags=re.MULTILINE)
    assert shown.splitlines() == [
        TEXT,
        "  intent: HassTurnOn P",
        "  slots: name [12:25] 'reading light' P",
        "         area [33:44] 'living room' P",
    ]


def test_an_answer_as_json(root: Path) -> None:
    (line,) = run(TEXT, "--json", "--top", "3").splitlines()
    reply = json.loads(line)
    assert list(reply) == ["text", "truncated", "answers"]
    assert reply["truncated"] is False
    intent, slots = reply["answers"]["intent"], reply["answers"]["slots"]
    assert intent["label"] == intent["top"][0]["label"] == "HassTurnOn"
    assert intent["probability"] == intent["top"][0]["probability"]
    assert len(intent["top"]) == 3
    chances = [entry["probability"] for entry in intent["top"]]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) <= 1 + 1e-5
    assert [(span["label"], span["text"]) for span in slots] == [
        ("name", "reading light"),
        ("area", "living room"),
    ]
    assert all(TEXT[span["start"] : span["end"]] == span["text"] for span in slots)
    assert all(0 < span["probability"] <= 1 for span in slots)


def test_the_champion_answers_as_the_trained_model_does(root: Path) -> None:
    _, model = bundle.load(root / "models/tfidf-intent+slots")
    texts = [row.text for row in small.rows(3, 4)]
    expected = model.predict(texts)
    for index, reply in enumerate(Service.load(root=root).answer(texts)):
        assert reply.answers == {task: expected[task][index] for task in ("intent", "slots")}


def test_a_plan_of_several_models_answers_each_task_by_its_own(root: Path) -> None:
    shutil.rmtree(root / "registry")
    promote(experiment(plans={"one-per-task": ["tfidf-intent", "tfidf-slots"]}), root)
    service = Service.load("assistant", root)
    assert set(service.models) == {"tfidf-intent", "tfidf-slots"}
    (reply,) = service.answer([TEXT])
    assert list(reply.answers) == ["intent", "slots"]


@pytest.mark.parametrize("batch_size", ["1", "7", "500"])
def test_lines_of_stdin_are_answered_in_order(root: Path, batch_size: str) -> None:
    texts = [row.text for row in small.rows(0, 1)]
    output = run("--json", "--batch-size", batch_size, stdin="\n".join(texts) + "\n")
    replies = [json.loads(line) for line in output.splitlines()]
    assert [reply["text"] for reply in replies] == texts
    alone = [reply.as_json() for reply in Service.load(root=root).answer(texts, 1)]
    assert replies == alone


def test_stdin_is_answered_as_it_comes(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered: list[int] = []

    def lines() -> Iterator[bytes]:
        for _ in range(10):
            answered.append(capsys.readouterr().out.count("\n"))
            yield TEXT.encode() + b"\n"

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=lines(), isatty=lambda: False))
    predict(service=None, as_json=True, top=1, batch_size=2)
    assert answered == [0, 0, 2, 0, 2, 0, 2, 0, 2, 0]


def test_windows_line_ends_are_not_part_of_a_text(root: Path) -> None:
    assert json.loads(run("--json", stdin=b"lights on\r\n"))["text"] == "lights on"


def test_any_character_of_utf8_is_answered(root: Path) -> None:
    text = "l\u00edchts \0 \U0001f4a1 \u200b on"
    assert json.loads(run("--json", stdin=text.encode()))["text"] == text


def test_a_text_of_ten_megabytes_is_answered(root: Path) -> None:
    text = f"{TEXT} {'x' * 10_000_000}"
    assert json.loads(run("--json", stdin=text))["answers"]["intent"]["label"] == "HassTurnOn"


def test_no_champion(root: Path) -> None:
    shutil.rmtree(root / "registry")
    assert refused(TEXT) == (
        "registry: no service has a champion in production yet. Promote one: `plait run`."
    )


def test_an_unknown_service(root: Path) -> None:
    assert refused(TEXT, "--service", "asistant") == (
        "registry: service 'asistant' has no champion; did you mean 'assistant'?"
    )


@pytest.mark.parametrize("name", ["../registry/assistant", "", "bundles"])
def test_a_service_is_a_name_and_no_path(root: Path, name: str) -> None:
    assert f"service {name!r} has no champion" in refused(TEXT, "--service", name)


def test_several_services_and_none_named(root: Path) -> None:
    other_service(root, "newsgroups")
    assert refused(TEXT) == (
        "registry: 2 services have a champion (assistant, newsgroups), and none was named. "
        "Name one, as in `--service assistant`."
    )
    assert run(TEXT, "--service", "newsgroups").startswith(TEXT)


def test_an_altered_bundle_is_refused(root: Path) -> None:
    (folder,) = (root / "registry/bundles").iterdir()
    path = next(folder.glob("*.safetensors"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    message = refused(TEXT)
    assert message.startswith(f"registry/bundles/{folder.name}: the bundle was altered: its digest")
    assert message.endswith(
        f"expected {folder.name}. `plait registry verify` says how to bring it back."
    )


def test_a_missing_bundle_is_named(root: Path) -> None:
    (folder,) = (root / "registry/bundles").iterdir()
    shutil.rmtree(folder)
    assert refused(TEXT).startswith(f"registry/bundles/{folder.name}: no such bundle")


def test_an_empty_text(root: Path) -> None:
    assert (
        refused("") == "the text: found an empty text, expected words. Correct it or leave it out."
    )


@pytest.mark.parametrize("text", ["  \t", "\ufeff", "\u200b \u2800", "\u3164", "\u00ad\ufe0f"])
def test_a_text_of_which_nothing_can_be_seen(root: Path, text: str) -> None:
    assert (
        refused(text)
        == "the text: found no visible character, expected words. Correct it or leave it out."
    )
    assert refused(stdin=f"lights on\n{text}\n") == (
        "standard input, line 2: found no visible character, expected words. "
        "Correct it or leave it out."
    )


def test_an_empty_line(root: Path) -> None:
    assert refused(stdin="lights on\n\nlights off\n") == (
        "standard input, line 2: found an empty text, expected words. Correct it or leave it out."
    )


def test_empty_stdin(root: Path) -> None:
    assert refused(stdin="") == "standard input: found nothing, expected one text per line."


def test_a_line_that_is_not_utf8(root: Path) -> None:
    assert refused(stdin="lights on\ngr\u00fcn\n".encode("latin-1")) == (
        "standard input, line 2: found byte 0xfc, expected UTF-8. Convert the input to UTF-8."
    )


def test_a_text_with_half_a_character(root: Path) -> None:
    with pytest.raises(PlaitError, match="text 1: found character 7 not in UTF-8"):
        Service.load(root=root).answer(["lights on", "lights \udce9"])


def test_no_text_and_no_pipe(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(), isatty=lambda: True))
    with pytest.raises(PlaitError, match="no text: give one"):
        predict()


def test_promote_by_hand_says_what_became_of_each_service(root: Path) -> None:
    projects.without_stages(root)
    write_json(root / "params.yaml", PARAMS)
    assert read(root / "params.yaml") == PARAMS
    shutil.rmtree(root / "registry")
    assert run(command=promote_command).startswith("assistant: promoted. Plan consolidated (")
    assert run(command=promote_command).startswith("assistant: unchanged. Plan consolidated (")
    assert read_json(root / "registry/assistant/production.json")["record"] == 1
