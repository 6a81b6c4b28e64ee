"""`plait registry`, `plait rollback` and `plait promote`, as they are typed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plait.cli import app
from plait.errors import PlaitError
from plait.registry.store import Registry
from production import measure_for_commands, rescore
from registries import contents, crown, flip


def plait(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == status, done.output
    return done.output


def refused(*arguments: str) -> str:
    with pytest.raises(PlaitError) as error:
        plait(*arguments)
    return str(error.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


@pytest.fixture
def shop(folder: Path) -> Path:
    """A service with three champions of the past and present, and a staged plan."""
    for content in "abc":
        crown(folder, content)
    crown(folder, "d", stage="staging")
    return folder


def test_list_shows_what_serves_and_what_is_held(shop: Path) -> None:
    plait("registry", "hold", "shop", "--why", "launch week")
    said = plait("registry", "list")
    for part in ("shop", "production", "plan-c", "staging", "plan-d", "record 5: launch week"):
        assert part in said
    lines = json.loads(plait("registry", "list", "--json"))
    assert [(x["stage"], x["record"], x["plan"]) for x in lines] == [
        ("production", 3, "plan-c"),
        ("staging", 4, "plan-d"),
    ]


def test_list_of_nothing_says_what_to_do(folder: Path) -> None:
    assert plait("registry", "list") == (
        "registry: no service has a history yet. `plait run` promotes one.\n"
    )


def test_history_shows_every_act(shop: Path) -> None:
    plait("rollback", "shop", "--why", "rude")
    said = plait("registry", "history", "shop")
    assert "▶ production" in said
    assert "To plan plan-b of record 2: rude." in said
    assert said.index("plan-a") < said.index("rollback")
    assert len(json.loads(plait("registry", "history", "shop", "--json"))) == 5
    assert "did you mean 'shop'" in refused("registry", "history", "shp")


def test_show_tells_all_of_a_record(shop: Path) -> None:
    said = plait("registry", "show", "shop")
    assert said.startswith("Record      3 of shop, promote in production: promoted\n")
    assert "Plan        plan-c\n            intent: one\n" in said
    assert json.loads(plait("registry", "show", "shop", "1", "--json"))["plan"] == "plan-a"
    assert "shop: record 9 doesn't exist." in refused("registry", "show", "shop", "9")
    path = Registry(shop).path("shop", 2)
    path.rename(path.with_suffix(".damaged"))
    assert "record 2 was damaged and set aside." in refused("registry", "show", "shop", "2")


def test_diff_shows_what_differs(shop: Path) -> None:
    said = plait("registry", "diff", "shop", "1", "3")
    for part in ("Record 1", "Record 3", "plan-a", "plan-c", "bundles.one"):
        assert part in said
    found = json.loads(plait("registry", "diff", "shop", "1", "3", "--json"))
    assert {"what": "plan", "old": "plan-a", "new": "plan-c"} in found
    assert plait("registry", "diff", "shop", "1", "1") == (
        "shop: records 1 and 1 differ in nothing that matters.\n"
    )


def test_rollback_says_what_serves_now_and_how_to_end_it(shop: Path) -> None:
    assert plait("rollback", "shop") == (
        "shop: plan plan-b of record 2 serves in production again (record 5).\n"
        "It stays so until a bundle changes, or: plait registry release shop\n"
    )
    assert "(record 6)" in plait("rollback", "shop", "--to", "1", "--why", "older")
    assert "no such record" in refused("rollback", "shop", "--to", "70")
    assert Registry(shop).require("shop").plan == "plan-a"
    plait("registry", "release", "shop")
    assert Registry(shop).history("shop")[-1].act == "release"


def test_rollback_brings_a_damaged_bundle_back_from_models(shop: Path) -> None:
    digest = Registry(shop).record("shop", 2).bundles["one"]
    shutil.copytree(Registry(shop).bundle(digest), shop / ".plait/set-aside/default/models/one")
    flip(shop / "registry/bundles" / digest / "weights")
    plait("rollback", "shop")
    assert Registry(shop).intact(digest)


def test_a_hold_of_a_service_that_no_one_knows_is_refused(shop: Path) -> None:
    before = contents(shop)
    assert "service '../shop' has no history" in refused(
        "registry", "hold", "../shop", "--why", "x"
    )
    assert contents(shop) == before


def test_prune_says_what_goes(shop: Path) -> None:
    dry = plait("registry", "prune", "--keep", "1", "--dry-run")
    assert "shop, record 1" in dry
    assert dry.splitlines()[-1] == "2 bundles, 0.0 MB would be removed."
    assert len(Registry(shop).bundles()) == 4
    assert plait("registry", "prune", "--keep", "1").endswith("2 bundles, 0.0 MB removed.\n")
    assert len(Registry(shop).bundles()) == 2
    plait("registry", "prune", "--keep", "0", status=2)


def test_verify_counts_and_exits_with_1_for_what_is_left(shop: Path) -> None:
    assert plait("registry", "verify").splitlines() == [
        f"{shop}/registry: 1 services, 4 records, 4 bundles",
        "All of it is intact.",
    ]
    digest = Registry(shop).record("shop", 1).bundles["one"]
    flip(shop / "registry/bundles" / digest / "weights")
    said = plait("registry", "verify", status=1)
    assert said.startswith(f"{shop}/registry/bundles/{digest}: the bundle of one (shop, record 1) ")
    left = json.loads(plait("registry", "verify", "--mend", "--json", status=1))
    assert left["intact"] is False
    assert "`plait pull shop` brings a published one" in left["left"][0]["remedy"]


def test_a_pointer_is_mended_by_the_command(shop: Path) -> None:
    flip(Registry(shop).pointer("shop", "production"))
    assert "Mended: a flipped bit turned back." in plait("registry", "verify", "--mend")
    assert plait("registry", "verify").endswith("All of it is intact.\n")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("measured")
    measure_for_commands(root)
    return root


@pytest.fixture
def project(measured: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(measured, folder / "project")
    monkeypatch.chdir(folder / "project")
    return folder / "project"


def test_promote_to_staging_and_ask_the_staged_plan(project: Path) -> None:
    assert plait("promote", "--dry-run").startswith("assistant: would be promoted. Plan ")
    assert Registry(project).known() == []
    assert plait("promote", "assistant", "--to", "staging").startswith("assistant: promoted. ")
    assert "no service has a champion in production" in refused("predict", "turn on the fan")
    assert "intent: HassTurnOn" in plait("predict", "turn on the fan", "--stage", "staging")
    assert plait("promote").startswith("assistant: promoted. ")
    assert "intent: HassTurnOn" in plait("predict", "turn on the fan")


def test_promote_as_json(project: Path) -> None:
    value = json.loads(plait("promote", "--json"))
    assert (value["service"], value["status"], value["dry_run"]) == ("assistant", "promoted", False)
    assert value["record"]["number"] == 1


def test_promote_after_a_rollback_needs_consent(project: Path) -> None:
    rescore(project, "tfidf-intent+slots", intent=0.5, slots=0.5)
    for score in (0.5, 0.99):
        rescore(project, "tfidf-intent", intent=score)
        rescore(project, "tfidf-slots", slots=score)
        assert plait("promote").startswith("assistant: promoted. ")
    plait("rollback", "assistant")
    assert plait("promote").startswith("assistant: refused. ")
    assert plait("promote", "--replace", "false alarm").startswith("assistant: promoted. ")
    assert Registry(project).require("assistant").consent == "false alarm"


def test_wrong_words_of_promote(project: Path) -> None:
    assert refused("promote", "asistant") == (
        "services: params.yaml has no 'asistant'; did you mean 'assistant'?"
    )
    assert "--require-approval: found it with --dry-run or --replace" in refused(
        "promote", "--require-approval", "--dry-run"
    )
    plait("promote", "--to", "prod", status=2)


def test_after_git_clean_one_command_answers_and_the_history_is_whole(
    measured: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = folder / "project"
    shutil.copytree(measured, project)
    monkeypatch.chdir(project)
    for arguments in (
        ("init", "-q"),
        ("add", "params.yaml", "dvc.yaml"),
        ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "first"),
    ):
        subprocess.run(["git", *arguments], check=True)
    plait("promote")
    plait("registry", "hold", "assistant", "--why", "launch week")
    answer, history = plait("predict", "turn on the fan"), plait("registry", "history", "assistant")
    subprocess.run(["git", "clean", "-ffdxq"], check=True)
    assert {path.name for path in project.iterdir()} == {".git", "params.yaml", "dvc.yaml"}
    assert plait("predict", "turn on the fan") == answer
    assert plait("registry", "history", "assistant") == history
    assert plait("registry", "verify").endswith("All of it is intact.\n")
