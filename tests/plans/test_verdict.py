"""The decision between plans: gates, floor, margin, ties."""

from dataclasses import replace

import pytest

from contenders import FLOOR, SEVERAL, answered, decide, plan, with_floors
from plait.plans.verdict import Contender, Verdict, choose


def test_the_best_mean_wins() -> None:
    verdict = decide(plan("one", 1, intent=0.80, slots=0.80), SEVERAL, FLOOR, margin=0.01)
    assert (verdict.winner, verdict.candidates) == ("several", ("several-0", "several-1"))
    assert "85.00 %" in verdict.sentence
    assert not verdict.floor_wins


@pytest.mark.parametrize(
    ("intent", "slots", "winner"),
    [
        (0.897, 0.797, "one"),  # a loss of 0.3 points on 4,000 rows is surely less than 1
        (0.891, 0.797, "several"),  # 0.9 points less: these rows can't tell
        (0.897, 0.791, "several"),
        (0.88, 0.80, "several"),  # 2 points less
    ],
)
def test_fewer_models_win_only_if_non_inferior_on_every_task(
    intent: float, slots: float, winner: str
) -> None:
    verdict = decide(plan("one", 1, intent=intent, slots=slots), SEVERAL, FLOOR, margin=0.01)
    assert verdict.winner == winner


KEEP_AND_FEWER = pytest.mark.parametrize("undecided", ["keep", "fewer-models"])


@pytest.mark.parametrize(("undecided", "winner"), [("keep", "several"), ("fewer-models", "one")])
@pytest.mark.parametrize(
    ("intent", "slots", "tasks"),
    [
        (0.97, 0.791, ("slots",)),  # the better mean, by far: it does not win by that
        (0.891, 0.797, ("intent",)),
        (0.891, 0.791, ("intent", "slots")),
    ],
)
def test_where_the_rows_cannot_decide_a_task_the_setting_does(
    undecided: str, winner: str, intent: float, slots: float, tasks: tuple[str, ...]
) -> None:
    one = plan("one", 1, intent=intent, slots=slots)
    verdict = decide(one, SEVERAL, FLOOR, margin=0.01, undecided=undecided)
    assert verdict.winner == winner
    assert [(u.plan, u.reference, u.tasks, u.setting) for u in verdict.undecided] == [
        ("one", "several", tasks, undecided)
    ]


def test_the_plan_of_more_models_is_kept_unless_said() -> None:
    verdict = decide(plan("one", 1, intent=0.97, slots=0.791), SEVERAL, FLOOR, margin=0.01)
    assert (verdict.winner, verdict.undecided[0].setting) == ("several", "keep")


@KEEP_AND_FEWER
@pytest.mark.parametrize("intent", [0.99, 0.891])  # the better mean; undecided beside inferior
def test_an_inferior_task_always_blocks(undecided: str, intent: float) -> None:
    one = plan("one", 1, intent=intent, slots=0.77)
    verdict = decide(one, SEVERAL, FLOOR, margin=0.01, undecided=undecided)
    assert verdict.winner == "several"
    assert verdict.undecided == ()
    assert "inferior" in [test.finding for test in verdict.comparisons]


@KEEP_AND_FEWER
def test_where_the_rows_decide_every_task_the_setting_says_nothing(undecided: str) -> None:
    one = plan("one", 1, intent=0.97, slots=0.797)
    verdict = decide(one, SEVERAL, FLOOR, margin=0.01, undecided=undecided)
    assert (verdict.winner, verdict.undecided) == ("one", ())


def three_levels(one: float, two: float, three: float, **settings: object) -> Verdict:
    plans = [plan("three", 3, a=three), plan("one", 1, a=one), plan("two", 2, a=two)]
    return choose("assistant", plans, margin=0.01, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two", "three", "keep", "fewer"),
    [
        (0.897, 0.80, 0.90, "one", "one"),
        (0.88, 0.897, 0.90, "two", "two"),
        (0.891, 0.897, 0.90, "two", "one"),
        (0.88, 0.891, 0.90, "three", "two"),
        (0.88, 0.87, 0.90, "three", "three"),
        (0.897, 0.90, 0.80, "one", "one"),  # the best of those with more has two models
        (0.80, 0.90, 0.897, "two", "two"),
        (0.891, 0.891, 0.90, "three", "one"),
        (0.897, 0.906, 0.90, "two", "one"),  # non-inferior to three models, but two are better
    ],
)
def test_a_plan_must_match_the_best_of_all_with_more_models(
    one: float, two: float, three: float, keep: str, fewer: str
) -> None:
    assert three_levels(one, two, three).winner == keep
    assert three_levels(one, two, three, undecided="fewer-models").winner == fewer


def test_of_as_many_models_the_worse_mean_may_replace_where_the_better_may_not() -> None:
    plans = [
        plan("uneven", 1, intent=0.99, slots=0.77),
        plan("even", 1, intent=0.898, slots=0.798),
        SEVERAL,
    ]
    verdict = choose("assistant", plans, margin=0.01)
    assert verdict.winner == "even"


def test_a_plan_that_may_not_win_is_no_reference() -> None:
    gated = plan("gated", 2, intent=0.99, slots=0.74)
    one = plan("one", 1, intent=0.897, slots=0.797)
    assert decide(one, SEVERAL, gated, FLOOR, margin=0.01).winner == "gated"
    gates = {"slots": 0.75}
    assert decide(one, SEVERAL, gated, FLOOR, margin=0.01, gates=gates).winner == "one"


def test_the_floor_is_no_reference() -> None:
    """It has more models, and on slots it is better by far; its mean is what must be beaten."""
    one = plan("one", 1, intent=0.90, slots=0.80)
    floor = plan("floor", 2, intent=0.60, slots=0.99)
    assert decide(one, floor, margin=0.01).winner == "one"


def test_fewer_rows_decide_less() -> None:
    one, several = (
        Contender(name, candidates, {"a": score}, {"a": "accuracy"}, {"a": answered(score, 1000)})
        for name, candidates, score in [("one", ("x",), 0.897), ("several", ("y", "z"), 0.9)]
    )
    assert choose("s", [one, several], margin=0.01).winner == "one"
    few = [
        Contender(p.plan, p.candidates, p.scores, p.metrics, {"a": answered(p.scores["a"], 300)})
        for p in (one, several)
    ]
    verdict = choose("s", few, margin=0.01)
    assert (verdict.winner, verdict.comparisons[0].finding) == ("several", "undecided")


def test_a_plan_is_compared_with_those_of_its_own_backbones_too() -> None:
    encoder, decoder = frozenset({"encoder"}), frozenset({"decoder"})
    plans = [
        replace(plan("one", 1, intent=0.80), backbones=encoder),
        replace(plan("several", 2, intent=0.81), backbones=encoder),
        replace(plan("decoders", 2, intent=0.90), backbones=decoder),
    ]
    verdict = choose("assistant", plans, margin=0.01)
    assert [(t.plan, t.reference) for t in verdict.comparisons] == [
        ("one", "several"),
        ("one", "decoders"),
    ]


def test_trainings_with_several_seeds_are_told_and_change_nothing() -> None:
    """A plan's own model lost 0.9 points, others trained like it lost none."""
    one = replace(
        plan("one", 1, intent=0.891),
        seeds={"intent": {17: answered(0.891), 18: answered(0.9), 19: answered(0.9)}},
    )
    several = replace(
        plan("several", 2, intent=0.9),
        seeds={"intent": {17: answered(0.9), 18: answered(0.9), 20: answered(0.5)}},
    )
    verdict = choose("assistant", [one, several], margin=0.01)
    assert verdict.winner == "several"
    assert [(t.seeds, t.finding) for t in verdict.comparisons] == [
        ((), "undecided"),
        ((17, 18), "non-inferior"),
    ]
    assert verdict.comparisons[1].difference.value == pytest.approx(-0.0045)
    assert "One against several over seeds 17, 18, for information, margin 1 p" in verdict.sentence


@KEEP_AND_FEWER
def test_of_equal_means_and_as_many_models_the_name_decides(undecided: str) -> None:
    same = [plan(name, 1, intent=0.90, slots=0.80) for name in ("b", "a")]
    verdict = decide(SEVERAL, *same, FLOOR, margin=0.01, undecided=undecided)
    assert (verdict.winner, verdict.undecided) == ("a", ())
    pairs = [plan(name, 2, intent=0.90, slots=0.80) for name in ("d", "c")]
    assert decide(*pairs, FLOOR, undecided=undecided).winner == "c"


def test_of_equal_means_the_plan_of_fewer_models_is_the_reference() -> None:
    verdict = three_levels(0.897, 0.90, 0.90)
    assert [(t.plan, t.reference) for t in verdict.comparisons] == [
        ("one", "two"),
        ("two", "three"),
    ]


@KEEP_AND_FEWER
def test_equal_means_do_not_excuse_an_inferior_task(undecided: str) -> None:
    one = plan("one", 1, intent=0.95, slots=0.75)
    assert decide(SEVERAL, one, FLOOR, margin=0.01, undecided=undecided).winner == "several"


def test_a_plan_below_a_gate_does_not_win_however_good_its_mean() -> None:
    verdict = decide(
        plan("one", 1, intent=0.85, slots=0.81), SEVERAL, FLOOR, gates={"slots": 0.805}
    )
    assert verdict.winner == "one"
    assert verdict.rejected["several"] == "slots 80.00 % is below its gate 80.50 %"


def test_no_plan_wins_when_every_one_is_below_its_gate() -> None:
    verdict = decide(SEVERAL, FLOOR, gates={"intent": 0.99})
    assert (verdict.winner, verdict.candidates, verdict.floor_wins) == (None, (), False)
    assert set(verdict.rejected) == {"several", "floor"}
    assert "fails its own" in verdict.sentence


@pytest.mark.parametrize("floor", [0.85, 0.86])
def test_the_floor_wins_unless_it_is_beaten(floor: float) -> None:
    verdict = decide(SEVERAL, plan("floor", 2, intent=floor, slots=floor))
    assert verdict.winner == "floor"
    assert verdict.floor_wins
    assert verdict.sentence.startswith("No fine-tuned model beats the TF-IDF floor: plan floor (")


def test_a_plan_of_fewer_models_that_does_not_beat_the_floor_loses_to_one_that_does() -> None:
    one = plan("one", 1, intent=0.897, slots=0.797)
    verdict = decide(one, SEVERAL, plan("floor", 2, intent=0.90, slots=0.797), margin=0.01)
    assert verdict.winner == "several"
    assert "does not beat the TF-IDF floor" in verdict.rejected["one"]


def test_a_better_plan_below_its_gate_leaves_the_floor() -> None:
    verdict = decide(
        plan("one", 1, intent=0.99, slots=0.6),
        plan("floor", 2, intent=0.8, slots=0.7),
        gates={"slots": 0.65},
    )
    assert verdict.winner == "floor"
    assert verdict.sentence.startswith("No fine-tuned model that beats the TF-IDF floor passes")


def test_without_a_floor_only_the_gates_stand_in_the_way() -> None:
    assert choose("s", [SEVERAL, plan("one", 1, intent=0.1, slots=0.1)]).winner == "several"
    none = choose("s", [with_floors(SEVERAL, {"intent": 1.0})])
    assert none.winner is None
    assert none.sentence.startswith("No plan may be promoted: several: intent 90.00 %")


def test_a_floor_without_contenders_claims_nothing_of_fine_tuned_models() -> None:
    floor = Contender("floor", ("tfidf-a",), {"a": 0.8})
    verdict = choose("service", [floor], floor="floor", floor_title="TF-IDF floor")
    assert verdict.winner == "floor"
    assert verdict.sentence.startswith("Nothing contends with the TF-IDF floor: ")
