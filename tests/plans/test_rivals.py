"""Winner and champion: each rule promoting and refusing, on real bundles and their answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from plait import bundle
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl, write_json, write_jsonl
from plait.plans.promotion import Decision, promote
from plait.plans.rivals import parameters
from plait.plans.wording import RULE
from plait.registry.records import write_record
from plait.registry.store import Registry
from plait.serving.service import Service as Serving
from production import PARAMS, experiment, rescore, train

BOTH, INTENT, SLOTS = "tfidf-intent+slots", "tfidf-intent", "tfidf-slots"
CONSOLIDATED = {"plans": {"consolidated": [BOTH]}}
STAYS = 'The champion stays; `plait promote --replace "why"` replaces it.'


def settle(root: Path, settings: Any = CONSOLIDATED, **more: Any) -> Decision:
    (decision,) = promote(experiment(**settings), root, **more)
    return decision


def retrain(root: Path, **scores: float) -> None:
    """The consolidated model trained again, another bundle, with these headline metrics."""
    train(root, BOTH, seed=read_json(root / f"inputs/{BOTH}/candidate.json")["seed"] + 1)
    rescore(root, BOTH, **scores)


def champion_of(root: Path, **scores: float) -> Decision:
    """The consolidated model as first champion, with these headline metrics."""
    rescore(root, BOTH, **scores)
    decision = settle(root)
    assert decision.status == "promoted"
    return decision


def test_the_first_champion_is_promoted_by_gates_and_floor_alone(root: Path) -> None:
    assert settle(root).reason.endswith("It is the service's first champion.")


def test_a_winner_that_is_better_on_a_task_replaces_the_champion(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.5)
    retrain(root, intent=1.0, slots=1.0)
    decision = settle(root)
    assert (decision.status, decision.record.replaces) == ("promoted", 1)
    found = decision.record.comparison["intent"]
    assert (found["difference"], found["n"], found["finding"]) == (0.5, 30, "non-inferior")
    assert found["p_better"] == pytest.approx(0.5**15, rel=1e-2)  # 15 rows, all for the winner
    assert found["level"] == 0.0005  # 5 % over 50 looks, 2 tasks and 1 plan
    assert Serving.load("assistant", root).champion.number == decision.record.number


def test_a_mean_that_is_a_hair_better_replaces_nothing(root: Path) -> None:
    champion_of(root, intent=0.6, slots=0.6)
    retrain(root, intent=0.7, slots=0.6)  # three rows more
    decision = settle(root, {**CONSOLIDATED, "margin": 0.2})
    assert decision.status == "refused"
    assert "intent non-inferior (+10.00 points" in decision.reason
    assert "p of no better 0.12" in decision.reason
    assert decision.reason.endswith(f"better on no task, and isn't cheaper. {STAYS}")


def test_better_on_one_task_and_undecided_on_another_is_refused(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.9)
    retrain(root, intent=1.0, slots=0.9)
    decision = settle(root)
    assert decision.status == "refused"
    assert decision.record.comparison["intent"]["finding"] == "non-inferior"
    assert decision.record.comparison["slots"]["finding"] == "undecided"
    assert "slots undecided (+0.00 points [-9.50, +9.50], n 30), p of no better 1" in (
        decision.reason
    )
    assert decision.reason.endswith(f"These rows can't decide slots. {STAYS}")
    assert settle(root, {**CONSOLIDATED, "margin": 0.2}).status == "promoted"


def test_better_on_one_task_and_inferior_on_another_is_refused(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.9)
    retrain(root, intent=1.0, slots=0.4)
    decision = settle(root)
    assert decision.status == "refused"
    assert decision.reason.endswith(f"It is inferior on slots. {STAYS}")


def test_the_same_bundles_are_unchanged(root: Path) -> None:
    settle(root)
    assert settle(root, consent="asked for nothing").status == "unchanged"
    assert Registry(root).numbers("assistant") == [1]


@pytest.mark.parametrize("consent", ["", "smoke is all that we can train"])
def test_another_experiments_winner_replaces_no_champion_unasked(root: Path, consent: str) -> None:
    champion_of(root, intent=0.5, slots=0.5)
    retrain(root, intent=1.0, slots=1.0)
    smoke = named("smoke")
    (decision,) = promote(smoke, root, consent=consent)
    said = (
        "The champion (decision 1, plan consolidated) belongs to experiment 'params', and this is "
        "'smoke': they are judged by different data or settings."
    )
    if not consent:
        assert decision.status == "refused"
        assert decision.reason.endswith(f"{RULE} {said} {STAYS}")
        assert Registry(root).require("assistant").number == 1
        return
    assert (decision.status, decision.record.consent) == ("promoted", consent)
    assert decision.reason.endswith(f"{said} A person replaces the champion: {consent}")
    assert Registry(root).require("assistant").experiment == "smoke"
    assert settle(root).status == "unchanged"


def named(name: str) -> Experiment:
    service = {**PARAMS["services"]["assistant"], **CONSOLIDATED}
    return check({**PARAMS, "name": name, "services": {"assistant": service}}, "params.yaml")


def test_consent_replaces_what_is_not_shown_to_be_better_and_opens_no_gate(root: Path) -> None:
    champion_of(root, intent=0.6, slots=0.6)
    retrain(root, intent=0.6, slots=0.6)
    gated = {**CONSOLIDATED, "gates": {"tasks": {"intent": 0.7}}}
    refused = settle(root, gated, consent="now")
    assert (refused.status, refused.record.consent) == ("refused", "")
    assert refused.record.rejected == {"consolidated": "intent 60.00 % is below its gate 70.00 %"}
    assert refused.reason.endswith("The champion stays.")
    decision = settle(root, consent="the old one is too old")
    assert (decision.status, decision.record.consent) == ("promoted", "the old one is too old")
    assert set(decision.record.comparison) == {"intent", "slots"}


def test_consent_that_was_not_needed_is_not_recorded(root: Path) -> None:
    assert settle(root, consent="why not").record.consent == ""


def test_on_other_held_out_rows_the_champion_answers_itself(root: Path) -> None:
    """Its real answers to the new rows are compared, and kept."""
    settle(root)
    champion = Registry(root).require("assistant")
    new_rows(root)
    retrain(root)
    decision = settle(root, {**CONSOLIDATED, "margin": 0.3})
    assert decision.status == "refused"  # the same data and approach: as good
    assert decision.reason.endswith(f"isn't cheaper. {STAYS}")
    pins = decision.record.heldout
    assert set(pins.values()).isdisjoint(champion.heldout.values())
    for task, pin in pins.items():
        kept = Registry(root).answers(champion.bundles[BOTH], pin)
        assert kept is not None
        winners = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
        assert [line["gold"] for line in kept] == [line["gold"][task] for line in winners]
        assert len(kept) == decision.record.comparison[task]["n"] == 20
        right = sum(line["gold"] == line["answer"] for line in kept)
        assert right > 10  # answers of a model, and not of a fault


def test_a_champion_that_fails_on_new_rows_is_replaced(root: Path) -> None:
    settle(root)
    new_rows(root, wrong="another intent")
    retrain(root, intent=1.0, slots=1.0)
    decision = settle(root, {**CONSOLIDATED, "margin": 0.3})
    assert decision.status == "promoted"
    assert decision.record.comparison["intent"]["difference"] == 1.0
    assert decision.reason.endswith("better on intent: it replaces the champion.")


def new_rows(root: Path, wrong: str = "") -> None:
    """20 of the held-out rows, with another gold label if asked."""
    path = root / "heldout" / BOTH / "home.jsonl"
    lines = list(read_jsonl(path))[:20]
    for line in lines if wrong else ():
        line["labels"]["intent"] = wrong
    write_jsonl(path, lines)


def test_held_out_rows_that_were_not_scored_are_refused(root: Path) -> None:
    settle(root)
    new_rows(root)
    retrain(root)
    new_rows(root, wrong="another intent")
    with pytest.raises(PlaitError, match=r"heldout/.*: found rows with sha256 .*`plait run`"):
        settle(root)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("task", "can't be compared with it: it doesn't answer slots."),
        ("bundle", "is missing or damaged (`plait registry verify` says how to mend it)."),
        ("format", f"bundle of format 1, expected {bundle.FORMAT}"),
    ],
)
def test_a_champion_that_cannot_be_compared_stays_unasked(root: Path, harm: str, said: str) -> None:
    settings: dict[str, Any] = CONSOLIDATED
    if harm == "task":
        settle(root, {"tasks": ["intent"], "plans": {"alone": [INTENT]}})
    elif harm == "bundle":
        digest = settle(root).record.bundles[BOTH]
        (root / f"registry/bundles/{digest}/README.md").write_text("altered")
    else:
        of_another_format(root)
        new_rows(root)
    retrain(root, intent=1.0, slots=1.0)
    decision = settle(root, settings)
    assert decision.status == "refused"
    assert said in decision.reason
    assert decision.reason.endswith(STAYS)
    assert settle(root, settings, consent="it must be").status == "promoted"


def of_another_format(root: Path) -> None:
    """A champion of an earlier version."""
    path = root / f"models/{BOTH}/bundle.json"
    write_json(path, {**read_json(path), "format": 1})
    details = root / f"predictions/{BOTH}/details.json"
    write_json(details, {**read_json(details), "bundle": bundle.digest(path.parent)})
    settle(root)


def smaller(root: Path) -> None:
    """The same model with fewer words, so fewer parameters."""
    path = root / "inputs" / BOTH / "train" / "home.jsonl"
    write_jsonl(path, list(read_jsonl(path))[:6])
    retrain(root, intent=0.9, slots=0.9)


@pytest.mark.parametrize(("cheaper", "status"), [(1.2, "promoted"), (50, "refused")])
def test_equal_quality_at_less_cost_replaces_the_champion(
    root: Path, cheaper: float, status: str
) -> None:
    champion = champion_of(root, intent=0.9, slots=0.9).record
    old = parameters([Registry(root).bundle(champion.bundles[BOTH])])
    smaller(root)
    new = parameters([root / "models" / BOTH])
    decision = settle(root, {**CONSOLIDATED, "margin": 0.2, "cheaper": cheaper})
    assert decision.status == status
    if status == "promoted":
        assert f"cheaper, with {new:,} parameters instead of {old:,}" in decision.reason


def test_cheaper_does_not_excuse_what_the_rows_cannot_decide(root: Path) -> None:
    champion_of(root, intent=0.9, slots=0.9)
    smaller(root)
    decision = settle(root, {**CONSOLIDATED, "cheaper": 1.2})
    assert decision.status == "refused"
    assert "can't decide intent and slots" in decision.reason


def test_parameters_are_those_that_the_model_counts(root: Path) -> None:
    folders = [root / "models" / name for name in (INTENT, SLOTS)]
    assert parameters(folders) == sum(bundle.load(each)[1].parameters_count() for each in folders)
    (root / "empty").mkdir()
    assert parameters([*folders, root / "empty"]) == 0


def test_spent_looks_promote_no_quality_until_there_are_new_rows(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.5)
    few = {**CONSOLIDATED, "looks": 1}
    retrain(root, intent=0.6, slots=0.6)
    first = settle(root, few)
    assert (first.status, first.record.looks) == ("refused", 0)
    assert settle(root, few).record.looks == 0  # the same pair is the same look
    retrain(root, intent=1.0, slots=1.0)
    second = settle(root, few)
    assert (second.status, second.record.looks) == ("refused", 1)
    assert "All 1 looks at these rows are spent (`looks`): no quality promotes" in second.reason
    new_rows(root, wrong="another intent")
    retrain(root, intent=1.0, slots=1.0)
    third = settle(root, {**few, "margin": 0.3})
    assert (third.status, third.record.looks) == ("promoted", 0)


def test_a_consolidated_champion_stays_where_a_verdict_keeps_more_models(root: Path) -> None:
    """Rows that can't decide keep the plan of more models; against it they keep the champion."""
    champion_of(root, intent=0.9, slots=0.9)
    rescore(root, INTENT, intent=0.87)
    rescore(root, SLOTS, slots=0.87)
    train(root, BOTH, seed=8)
    rescore(root, BOTH, intent=0.9, slots=0.9)
    decision = settle(root, {"undecided": "keep"})
    assert (decision.status, decision.record.plan) == ("refused", "one-per-task")
    assert "`undecided: keep` keeps the plan of more models." in decision.reason
    assert RULE in decision.reason
    assert decision.reason.endswith(f"These rows can't decide intent and slots. {STAYS}")
    assert Registry(root).require("assistant").plan == "consolidated"


def test_todays_metric_compares_answers_of_yesterday(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.5)
    retrain(root, intent=1.0, slots=1.0)
    tasks = {**PARAMS["tasks"], "intent": {**PARAMS["tasks"]["intent"], "metric": "macro_f1"}}
    services = {"assistant": {**PARAMS["services"]["assistant"], **CONSOLIDATED}}
    (decision,) = promote(
        check({**PARAMS, "tasks": tasks, "services": services}, "params.yaml"), root
    )
    assert decision.status == "promoted"
    assert decision.record.comparison["intent"]["metric"] == "macro_f1"


def test_a_dry_run_decides_and_writes_nothing(root: Path) -> None:
    first = settle(root, dry_run=True)
    assert (first.status, first.record.outcome, first.record.number) == ("promoted", "promoted", 0)
    assert not (root / "registry").exists()
    settle(root)
    new_rows(root)
    retrain(root)
    before = {path: path.read_bytes() for path in sorted((root / "registry").rglob("*.json"))}
    dry = settle(root, dry_run=True)
    assert dry.status == "refused"
    assert {path: path.read_bytes() for path in sorted((root / "registry").rglob("*.json"))} == (
        before
    )
    assert settle(root).reason == dry.reason


def test_each_stage_has_its_champion(root: Path) -> None:
    settle(root, stage="staging")
    registry = Registry(root)
    assert registry.champion("assistant") is None
    staged = registry.champion("assistant", "staging")
    assert staged is not None
    assert staged.stage == "staging"
    assert settle(root).status == "promoted"


def test_services_can_be_chosen(root: Path) -> None:
    assert promote(experiment(), root, []) == []
    with pytest.raises(
        PlaitError, match=r"params\.yaml has no 'assistent'.*did you mean 'assistant'"
    ):
        promote(experiment(), root, ["assistent"])


def test_the_figures_of_a_record_survive_its_file(root: Path) -> None:
    champion_of(root, intent=0.5, slots=0.5)
    retrain(root, intent=1.0, slots=1.0)
    kept = settle(root).record
    write_record(root / "copy.json", kept)
    value = json.loads((root / "copy.json").read_text())
    assert value["comparison"] == kept.comparison
