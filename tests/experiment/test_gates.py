"""Gates and the rule's numbers in params.yaml: every mistake is named, the old form, too."""

from typing import Any

import pytest

from mistakes import mistakes


@pytest.mark.parametrize(
    ("path", "found", "expected"),
    [
        (
            ("gates",),
            {"intent": 0.6, "slots": 0.5},
            "services.assistant.gates: found intent, slots, expected sections such as tasks and "
            "slices: floors of tasks stand in `tasks`. Write "
            "`gates: {tasks: {intent: 0.6, slots: 0.5}}`",
        ),
        (
            ("gates", "calibraton"),
            0.1,
            "services.assistant.gates.calibraton: unknown setting; did you mean 'calibration'?",
        ),
        (
            ("gates", "memory_mb"),
            0,
            "services.assistant.gates.memory_mb: found 0, expected greater than 0",
        ),
        (
            ("gates", "tasks", "intents"),
            0.5,
            "services.assistant.gates.tasks.intents: unknown task of this service 'intents'; "
            "did you mean 'intent'?",
        ),
        (
            ("gates", "slices"),
            {"intents": {"length": 0.5}},
            "services.assistant.gates.slices.intents: unknown task of this service 'intents'; "
            "did you mean 'intent'?",
        ),
        (
            ("gates", "slices"),
            {"intent": {"lenght": 0.5}},
            "services.assistant.gates.slices.intent.lenght: unknown slice of this task 'lenght'; "
            "did you mean 'length'?",
        ),
        (
            ("cheaper",),
            1,
            "services.assistant.cheaper: found 1, expected greater than 1",
        ),
        (
            ("looks",),
            0,
            "services.assistant.looks: found 0, expected greater than or equal to 1",
        ),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else "",
)
def test_one_mistake(value: Any, path: tuple[str, ...], found: Any, expected: str) -> None:
    section = value["services"]["assistant"]
    for part in path[:-1]:
        section = section.setdefault(part, {})
    section[path[-1]] = found
    assert mistakes(value) == [expected]


def test_a_slice_that_a_candidate_answers_itself_is_no_slice_of_it(value: Any) -> None:
    value["tasks"]["slots"]["slices"] = ["intent"]
    value["services"]["assistant"]["gates"] = {"slices": {"slots": {"intent": 0.5}}}
    assert mistakes(value) == [
        "services.assistant.gates.slices.slots.intent: candidate 'minilm-intent+slots' answers "
        "'intent' itself, so it has no such slices"
    ]
