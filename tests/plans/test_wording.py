"""The verdict in words: what a reader learns who sees the sentence alone, and where the rule is."""

import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import projects
import small
from contenders import FLOOR, SEVERAL, decide, plan
from plait.commands.promote import promote
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.files import read_json, write_json
from plait.plans.verdict import Verdict, choose
from plait.plans.wording import RULE
from plait.report.page import page as html
from plait.report.page import text as markdown
from plait.report.results import collect
from reports import ASSISTANT, PARAMS, measured, root

__all__ = ["root"]

REPOSITORY = Path(__file__).parents[2]
BRACKETS = re.compile(r" \[[+-][\d.]+, [+-][\d.]+\], n 4,000")
MARGIN = "margin 1 point, one-sided 95 % bounds in brackets"


def words(verdict: Verdict) -> str:
    """The sentence without bounds and numbers of rows."""
    return BRACKETS.sub("", verdict.sentence)


def test_fewer_models_win_where_every_task_is_non_inferior() -> None:
    verdict = decide(plan("one", 1, intent=0.897, slots=0.797), SEVERAL, FLOOR, margin=0.01)
    assert words(verdict) == (
        "Plan one (one-0) wins: mean headline metric 84.70 %, on every task non-inferior to "
        "several with 1 model instead of 2; the TF-IDF floor has 60.00 %. One (mean 84.70 %) "
        f"against several (mean 85.00 %), {MARGIN}: intent non-inferior (-0.30 points); slots "
        "non-inferior (-0.30 points)."
    )


@pytest.mark.parametrize(
    ("undecided", "head", "tail"),
    [
        (
            "keep",
            "Plan several (several-0, several-1) wins: mean headline metric 85.00 %; ",
            "`undecided: keep` keeps the plan of more models.",
        ),
        (
            "fewer-models",
            "Plan one (one-0) wins: mean headline metric 88.05 %, shown to be inferior on no task "
            "to several with 1 model instead of 2; ",
            "`undecided: fewer-models` takes the plan of fewer models.",
        ),
    ],
)
def test_where_the_rows_cannot_decide_it_says_what_the_setting_did(
    undecided: str, head: str, tail: str
) -> None:
    one = plan("one", 1, intent=0.97, slots=0.791)
    assert words(decide(one, SEVERAL, FLOOR, margin=0.01, undecided=undecided)) == (
        f"{head}the TF-IDF floor has 60.00 %. One (mean 88.05 %) against several (mean 85.00 %), "
        f"{MARGIN}: intent non-inferior (+7.00 points); slots undecided (-0.90 points). These rows "
        f"can't decide slots; {tail}"
    )


def test_an_inferior_task_is_named_as_what_blocks() -> None:
    one = plan("one", 1, intent=0.891, slots=0.77)
    verdict = decide(one, SEVERAL, FLOOR, margin=0.01, undecided="fewer-models")
    assert words(verdict) == (
        "Plan several (several-0, several-1) wins: mean headline metric 85.00 %; the TF-IDF floor "
        f"has 60.00 %. One (mean 83.05 %) against several (mean 85.00 %), {MARGIN}: intent "
        "undecided (-0.90 points); slots inferior by more than the margin (-3.00 points). Being "
        "inferior on slots, one may not replace it."
    )


def test_the_bounds_in_brackets_are_those_that_decide() -> None:
    one = plan("one", 1, intent=0.897, slots=0.77)
    verdict = decide(one, SEVERAL, FLOOR, margin=0.01)
    found = {test.task: test.difference for test in verdict.comparisons}
    for task in ("intent", "slots"):
        low, high = (f"{100 * end:+.2f}" for end in (found[task].lower, found[task].upper))
        assert f"points [{low}, {high}], n 4,000)" in verdict.sentence
    assert (found["intent"].lower > -0.01, found["slots"].upper < -0.01) == (True, True)


def test_every_plan_that_was_tried_is_told() -> None:
    scores = {"one": (1, 0.88), "two": (2, 0.891), "three": (3, 0.90)}
    plans = [plan(name, models, a=score) for name, (models, score) in scores.items()]
    verdict = choose("assistant", plans, margin=0.01)
    assert words(verdict) == (
        "Plan three (three-0, three-1, three-2) wins: mean headline metric 90.00 %. "
        f"One (mean 88.00 %) against three (mean 90.00 %), {MARGIN}: a inferior by more than the "
        "margin (-2.00 points). Being inferior on a, one may not replace it. "
        f"Two (mean 89.10 %) against three (mean 90.00 %), {MARGIN}: a undecided (-0.90 points). "
        "These rows can't decide a; `undecided: keep` keeps the plan of more models."
    )


def test_plans_of_as_many_models_and_those_that_are_out_are_told() -> None:
    other, poor = plan("other", 2, intent=0.90, slots=0.60), plan("poor", 1, intent=0.5, slots=0.5)
    assert words(decide(other, poor, SEVERAL, FLOOR)) == (
        "Plan several (several-0, several-1) wins: mean headline metric 85.00 %; the TF-IDF floor "
        "has 60.00 %. No better mean with as many models: other (mean 75.00 %). Out: poor (mean "
        "50.00 % does not beat the TF-IDF floor's 60.00 %)."
    )


def test_a_winning_floor_says_why_the_others_are_out() -> None:
    one = plan("one", 1, intent=0.97, slots=0.40)
    assert decide(one, FLOOR, gates={"slots": 0.45}).sentence == (
        "No fine-tuned model that beats the TF-IDF floor passes its gates: plan floor (floor-0, "
        "floor-1) wins with mean headline metric 60.00 % (one: slots 40.00 % is below its gate "
        "45.00 %)."
    )


@pytest.mark.parametrize("file", ["README.md", "docs/services.md"])
def test_the_rule_is_the_same_wherever_it_stands(file: str) -> None:
    assert RULE in " ".join((REPOSITORY / file).read_text(encoding="utf-8").split())


def asked(undecided: str) -> dict[str, Any]:
    """The small experiment without a floor, with this setting of its service."""
    service = {**ASSISTANT, "floor": None, "undecided": undecided}
    return {**PARAMS, "services": {"assistant": service}}


SETTINGS = pytest.mark.parametrize(
    ("undecided", "winner", "what"),
    [
        ("keep", "one-per-task", "keeps the plan of more models."),
        ("fewer-models", "consolidated", "takes the plan of fewer models."),
    ],
)


@SETTINGS
def test_the_report_says_what_the_setting_decided_and_by_which_rule(
    root: Path, undecided: str, winner: str, what: str
) -> None:
    every = {name: measured(root, name) for name in small.CANDIDATES}
    requests = {"assistant": read_json(root / "timings/requests/assistant.json")}
    results = collect(check(asked(undecided), "params.yaml"), every, requests)
    verdict = results.services[0].verdict
    assert verdict.winner == winner
    said = f"These rows can't decide intent and slots; `undecided: {undecided}` {what}"
    assert said in verdict.sentence
    for shown in (unescape(html(results)), markdown(results)):
        assert verdict.sentence in shown
        assert RULE in shown


@SETTINGS
def test_the_promotion_says_the_same_in_its_record_and_in_the_terminal(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    undecided: str,
    winner: str,
    what: str,
) -> None:
    project = shutil.copytree(root, tmp_path / "project")
    write_json(project / "params.yaml", asked(undecided))
    projects.without_stages(project)
    monkeypatch.chdir(project)
    promote()
    record = read_json(project / "registry/assistant/0001.json")
    assert record["plan"] == winner
    for said in (f"`undecided: {undecided}` {what} {RULE}", f"Plan {winner} ("):
        assert said in record["reason"]
    line, *table = capsys.readouterr().out.splitlines()
    assert line == f"assistant: promoted. {record['reason']}"
    assert [gate["name"] for gate in record["gates"] if gate["name"] not in "\n".join(table)] == []
    assert "pass" in table[2]


def test_outputs_of_another_state_are_not_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projects.make(tmp_path / "p", {"train": projects.training("a", 0)})
    monkeypatch.chdir(project)
    with pytest.raises(PlaitError, match=r"^1 stage is not up to date \(train\): .*`plait run`"):
        promote()
    assert not (project / ".git/plait").exists()
