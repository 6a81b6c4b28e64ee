"""A verdict in words: each sentence can be understood without the report around it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from plait.scores.differences import ROUNDING

if TYPE_CHECKING:
    from plait.plans.succession import Succession
    from plait.plans.verdict import Contender, NonInferiority, Replacement
    from plait.registry.records import Record
    from plait.settings import WhenUndecided

RULE = (
    "A plan of fewer models replaces the best plan of more models only if it is non-inferior on "
    "every task (one-sided 95 % paired interval, the service's margin); a task that is inferior by "
    "more than the margin blocks it, and where the rows can't decide a task, the service's "
    "`undecided` setting decides: `keep` (the default) or `fewer-models`. The plan that wins "
    "replaces a champion of the same experiment only if, in pairs on the winner's held-out rows, "
    "it is non-inferior to it on every task by the same interval, and better on at least one (at "
    "most 5 % false promotions over all looks at the same rows) or cheaper (the champion has the "
    "service's `cheaper` times its parameters or more); where these rows can't decide a task, the "
    "champion stays, whatever `undecided` says. A champion that is not replaced by that, belongs "
    "to another experiment, or can't be compared stays until a person replaces it: "
    "`plait promote --replace REASON`."
)
"""The rule of verdict and champion, as README, docs, report and promotion state it."""


def percent(value: float) -> str:
    """84.40 % for 0.844."""
    return f"{100 * value:.2f} %"


def _title(plan: "Contender") -> str:
    return f"plan {plan.plan} ({', '.join(plan.candidates)})"


def victory(
    winner: "Contender", tried: Sequence["Replacement"], base: "Contender | None", floor_title: str
) -> str:
    """Who wins, with which mean, over whom and over which floor."""
    words = f"{sentence(_title(winner))} wins: mean headline metric {percent(winner.mean)}"
    if tried and tried[-1].plan is winner:
        against = tried[-1].reference
        every = tried[-1].finding == "non-inferior"
        how = "on every task non-inferior to" if every else "shown to be inferior on no task to"
        words += (
            f", {how} {against.plan} with {_models(winner)} instead of {len(against.candidates)}"
        )
    if base is not None:
        words += f"; the {floor_title} has {percent(base.mean)}"
    return words + "."


def _models(plan: "Contender") -> str:
    count = len(plan.candidates)
    return f"{count} model{'s' * (count > 1)}"


def _scored(plan: "Contender") -> str:
    return f"{plan.plan} (mean {percent(plan.mean)})"


def findings(
    tried: Sequence["Replacement"], found: Sequence["NonInferiority"], undecided: "WhenUndecided"
) -> Iterator[str]:
    """Sentences for each replacement: what the rows show, what they don't, and what follows.

    `found` has the tests of the same plans over seeds, too.
    """
    for each in tried:
        pair = (each.plan.plan, each.reference.plan)
        yield _against(f"{_scored(each.plan)} against {_scored(each.reference)}", each.tests)
        yield consequence(each, undecided)
        of_pair = [test for test in found if (test.plan, test.reference) == pair]
        for seeds in dict.fromkeys(test.seeds for test in of_pair if test.seeds):
            over = (
                f"{' against '.join(pair)} over seeds {', '.join(map(str, seeds))}, for information"
            )
            yield _against(over, [test for test in of_pair if test.seeds == seeds])


def _against(
    head: str, tests: Sequence["NonInferiority"], more: Mapping[str, str] | None = None
) -> str:
    """A sentence with a test a task; `more` has what to add to a task's figures."""
    words = "; ".join(f"{_in_words(test)}{(more or {}).get(test.task, '')}" for test in tests)
    how = f"margin {_points(tests[0].margin)}, one-sided 95 % bounds in brackets"
    return f" {sentence(head)}, {how}: {words}."


def consequence(found: "Replacement", undecided: "WhenUndecided") -> str:
    """What follows from a replacement that was tried and is not proven; nothing where it is."""
    tasks = " and ".join(found.tasks(found.finding))
    match found.finding:
        case "non-inferior":
            return ""
        case "inferior":
            return f" Being inferior on {tasks}, {found.plan.plan} may not replace it."
        case _:
            does = "takes" if found.may(undecided) else "keeps"
            which = "fewer" if found.may(undecided) else "more"
            return (
                f" These rows can't decide {tasks}; `undecided: {undecided}` {does} the plan of "
                f"{which} models."
            )


def others(
    winner: "Contender",
    challengers: Sequence["Contender"],
    tried: Sequence["Replacement"],
    rejected: Mapping[str, str],
) -> str:
    """Plans of as many models that stood behind the winner, and those that may not win."""
    done = {winner.plan, *(each.plan.plan for each in tried)}
    level = [p for p in challengers if len(p.candidates) == len(winner.candidates)]
    behind = ", ".join(_scored(plan) for plan in level if plan.plan not in done)
    words = f" No better mean with as many models: {behind}." if behind else ""
    if rejected:
        words += f" Out: {'; '.join(f'{plan} ({why})' for plan, why in rejected.items())}."
    return words


def _in_words(test: "NonInferiority") -> str:
    """One test with its numbers, in points."""
    found = test.difference
    low, high = (f"{100 * end:+.2f}" for end in (found.lower, found.upper))
    figures = f"{100 * found.value:+.2f} points [{low}, {high}], n {found.n:,}"
    match test.finding:
        case "non-inferior":
            return f"{test.task} non-inferior ({figures})"
        case "inferior":
            return f"{test.task} inferior by more than the margin ({figures})"
        case _:
            return f"{test.task} undecided ({figures})"


def meeting(found: "Succession", champion: str) -> str:
    """The figures of a winner against the champion, and what follows from them.

    Args:
        champion: how it is called, with its number and plan.
    """
    shown = {task: f", p of no better {_p_value(p)}" for task, p in found.p.items()}
    tests = found.replacement.tests
    head = f"{found.replacement.plan.plan} against {champion} on the same held-out rows"
    which = f"look {found.looks + 1} of {found.most_looks} at these rows"
    level = f" ({which}: better is p ≤ {_p_value(found.level)})"
    return f"{_against(head + level, tests, shown)[1:]} {_outcome(found)}"


def _outcome(found: "Succession") -> str:
    tasks = " and ".join(found.replacement.tasks(found.finding))
    match found.finding:
        case "inferior":
            return f"It is inferior on {tasks}."
        case "undecided":
            return f"These rows can't decide {tasks}."
    if found.better:
        where = " and ".join(found.better)
        return f"It is non-inferior on every task and better on {where}: it replaces the champion."
    ours, theirs = found.parameters
    if found.cheaper:
        return (
            f"It is non-inferior on every task and cheaper, with {ours:,} parameters instead of "
            f"{theirs:,} ({theirs / ours:.2f} times; {found.ratio:g} asked): it replaces the "
            "champion."
        )
    if found.spent:
        return (
            f"All {found.most_looks} looks at these rows are spent (`looks`): no quality promotes "
            "until there are new held-out rows."
        )
    return "It is shown to be better on no task, and isn't cheaper."


STAYS = 'The champion stays; `plait promote --replace "why"` replaces it.'


def champion_title(champion: "Record") -> str:
    """How a sentence calls a champion."""
    return f"the champion (decision {champion.number}, plan {champion.plan})"


def of_another_experiment(champion: "Record", name: str) -> str:
    """Why a champion isn't even compared."""
    return sentence(
        f"{champion_title(champion)} belongs to experiment {champion.experiment!r}, and this is "
        f"{name!r}: they are judged by different data or settings."
    )


def sentence(text: str) -> str:
    """With a capital letter at the beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def _p_value(p: float) -> str:
    """0.034, or 1.7e-05."""
    return f"{p:.2g}"


def _points(share: float) -> str:
    """1 point for 0.01."""
    value = f"{100 * share:g}"
    return f"{value} point{'s' * (value != '1')}"


def no_challenger(
    contenders: Sequence["Contender"],
    base: "Contender | None",
    rejected: Mapping[str, str],
    floor_title: str,
) -> tuple[str, str]:
    """Why the floor wins, or nothing does, and the reasons why no other plan may, to add to it."""
    reasons = "; ".join(f"{plan}: {reason}" for plan, reason in rejected.items())
    if base is None:
        return "No plan may be promoted", f": {reasons}"
    means = [plan.mean for plan in contenders if plan is not base]
    if not means:
        head = f"Nothing contends with the {floor_title}"
    elif max(means) > base.mean + ROUNDING:
        head = f"No fine-tuned model that beats the {floor_title} passes its gates"
    else:
        head = f"No fine-tuned model beats the {floor_title}"
    if base.plan in rejected:
        return f"{head}, and the {floor_title} fails its own", f": {reasons}"
    why = f" ({reasons})" if reasons else ""
    return f"{head}: {_title(base)} wins with mean headline metric {percent(base.mean)}", why
