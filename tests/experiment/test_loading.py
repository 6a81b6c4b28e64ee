"""params.yaml: every mistake is reported, at once, with where it is and what to do."""

from pathlib import Path
from typing import Any

import pytest

from mistakes import mistakes
from plait.approaches.registry import APPROACHES
from plait.errors import PlaitError
from plait.experiment.loading import check, load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_committed_experiments_are_sound(path: Path) -> None:
    experiment = load(path, path.stem)
    assert experiment.candidates
    assert experiment.services


def test_own_training_overrides_the_experiments(value: Any) -> None:
    value["training"] = {"epochs": 2, "batch_size": 16}
    value["candidates"]["minilm-intent"]["training"] = {"epochs": 5}
    training = check(value, "params.yaml").training_of("minilm-intent")
    assert (training.epochs, training.batch_size) == (5, 16)


@pytest.mark.parametrize("approach", ["heads", "generative", "prompt"])
def test_a_backbone_may_classify_in_windows_and_does_not_unless_told(approach: str) -> None:
    options = APPROACHES[approach].options
    assert options.model_validate({}).windows is False
    assert options.model_validate({"windows": True}).windows is True


@pytest.mark.parametrize(
    ("path", "found", "expected"),
    [
        (("seed",), "many", "seed: found 'many', expected a valid integer"),
        (("trainng",), {}, "trainng: unknown setting; did you mean 'training'?"),
        (
            ("training", "epoch"),
            3,
            "training.epoch: unknown setting; did you mean 'epochs'?",
        ),
        (
            ("training", "learning_rate"),
            0,
            "training.learning_rate: found 0, expected greater than 0",
        ),
        (
            ("training", "epochs"),
            float("inf"),
            "training.epochs: found inf, expected a finite number",
        ),
        (
            ("training", "precision"),
            "bf61",
            "training.precision: found 'bf61', expected 'auto', 'bf16' or 'fp32'; "
            "did you mean 'bf16'?",
        ),
        (
            ("datasets", "home", "row"),
            {},
            "datasets.home.row: unknown setting; did you mean 'rows'?",
        ),
        (
            ("datasets", "home", "reader"),
            "home_asistant",
            "datasets.home: found reader 'home_asistant'; did you mean 'home_assistant'?",
        ),
        (
            ("tasks", "intent", "feild"),
            "intent",
            "tasks.intent.feild: unknown setting; did you mean 'field'?",
        ),
        (
            ("tasks", "intent", "kind"),
            "clasification",
            "tasks.intent.kind: found 'clasification', expected 'classification', 'multilabel' or "
            "'tagging'; "
            "did you mean 'classification'?",
        ),
        (
            ("tasks", "intent", "labels"),
            ["on", True],
            "tasks.intent.labels.1: found True, expected a valid string: put it in quotes",
        ),
        (
            ("tasks", "intent", "labels"),
            ["on", "on"],
            "tasks.intent.labels: label 'on' is named twice; name it once",
        ),
        (
            ("tasks", "intent", "labels"),
            ["on"],
            "tasks.intent.labels: found one label, expected two or more to choose from",
        ),
        (
            ("tasks", "Intent"),
            {"dataset": "home", "kind": "classification", "field": "intent"},
            "tasks.Intent: found 'Intent', expected lower-case letters, digits and . _ + -, "
            "beginning with a letter or a digit",
        ),
        (
            ("tasks", "slots", "kind"),
            "classification",
            "tasks.slots.kind: found 'classification', but field 'slots' of dataset 'home' serves "
            "kind 'tagging'",
        ),
        (
            ("tasks", "slots", "metric"),
            "accuracy",
            "tasks.slots.metric: unknown metric 'accuracy'; known: span_f1",
        ),
        (
            ("tasks", "intent", "dataset"),
            "hom",
            "tasks.intent.dataset: unknown dataset 'hom'; did you mean 'home'?",
        ),
        (
            ("tasks", "intent", "field"),
            "intents",
            "tasks.intent.field: unknown field 'intents'; did you mean 'intent'?",
        ),
        (
            ("tasks", "intent", "slices"),
            ["slots"],
            "tasks.intent.slices.0: unknown classification field 'slots'; known: intent",
        ),
        (
            ("backbones", "minilm", "wheel", "sha265"),
            "0",
            "backbones.minilm.wheel.sha265: unknown setting; did you mean 'sha256'?",
        ),
        (
            ("backbones", "tfidf", "kind"),
            "encoder",
            "backbones.tfidf: a backbone of kind 'encoder' has 0 sources; expected exactly one of "
            "`wheel`, `hub` (none for the kinds 'endpoint' and 'none')",
        ),
        (
            ("candidates", "minilm-intent", "training", "epoch"),
            3,
            "candidates.minilm-intent.training.epoch: unknown setting; did you mean 'epochs'?",
        ),
        (
            ("candidates", "minilm-intent", "training"),
            3,
            "candidates.minilm-intent.training: found 3, expected a section of settings",
        ),
        (
            ("candidates", "minilm-intent", "backbone"),
            "minilmm",
            "candidates.minilm-intent.backbone: unknown backbone 'minilmm'; did you mean 'minilm'?",
        ),
        (
            ("candidates", "minilm-intent", "backbone"),
            "tfidf",
            "candidates.minilm-intent.backbone: approach 'heads' works with a backbone of kind "
            "'encoder' or 'decoder', found 'tfidf' of kind 'none'",
        ),
        (
            ("candidates", "tfidf-intent", "backbone"),
            "minilm",
            "candidates.tfidf-intent.backbone: approach 'linear' works with a backbone of kind "
            "'none', found 'minilm' of kind 'encoder'",
        ),
        (
            ("candidates", "minilm-intent", "approach"),
            "head",
            "candidates.minilm-intent.approach: unknown approach 'head'; did you mean 'heads'?",
        ),
        (
            ("candidates", "minilm-intent", "method"),
            "lorra",
            "candidates.minilm-intent.method: unknown method 'lorra'; did you mean 'lora'?",
        ),
        (
            ("candidates", "minilm-intent+slots", "options"),
            {"attention": "both"},
            "candidates.minilm-intent+slots.options.attention: found 'both', expected 'causal' or "
            "'bidirectional'",
        ),
        (
            ("candidates", "minilm-intent+slots", "options"),
            {"weights": {"topic20": 2}},
            "candidates.minilm-intent+slots.options.weights.topic20: expected a task of the "
            "candidate: intent, slots",
        ),
        (
            ("candidates", "minilm-intent+slots", "options"),
            {"attention": "bidirectional"},
            "candidates.minilm-intent+slots.options.attention: an encoder's attention is always "
            "bidirectional; leave it out",
        ),
        (
            ("candidates", "minilm-intent+slots", "options"),
            {"causal_layers": 2},
            "candidates.minilm-intent+slots.options.causal_layers: all layers are causal unless "
            "attention is 'bidirectional'",
        ),
        (
            ("candidates", "minilm-intent", "options"),
            {"windows": 2},
            "candidates.minilm-intent.options.windows: found 2, expected a valid boolean",
        ),
        (
            ("candidates", "tfidf-intent", "options"),
            {"windows": True},
            "candidates.tfidf-intent.options.windows: unknown setting; known: none",
        ),
        (
            ("candidates", "tfidf-intent", "options"),
            {"shots": 5},
            "candidates.tfidf-intent.options.shots: unknown setting; known: none",
        ),
        (
            ("backbones", "minilm", "model"),
            "gpt",
            "backbones.minilm: `model` names the model of an endpoint: set it for kind 'endpoint' "
            "and no other",
        ),
        (
            ("candidates", "minilm-intent+slots", "tasks"),
            ["intent", "slots", "intent"],
            "candidates.minilm-intent+slots.tasks: task 'intent' is named twice; name it once",
        ),
        (
            ("candidates", "minilm-slots", "tasks"),
            [],
            "candidates.minilm-slots.tasks: found [], expected at least 1 item in it",
        ),
        (
            ("services", "assistant", "margins"),
            0.1,
            "services.assistant.margins: unknown setting; did you mean 'margin'?",
        ),
        (
            ("services", "assistant", "margin"),
            2,
            "services.assistant.margin: found 2, expected less than or equal to 1",
        ),
        (
            ("services", "assistant", "undecided"),
            "fewer-model",
            "services.assistant.undecided: found 'fewer-model', expected 'keep' or 'fewer-models'; "
            "did you mean 'fewer-models'?",
        ),
        (
            ("services", "assistant", "floor"),
            "flor",
            "services.assistant.floor: unknown plan 'flor'; did you mean 'floor'?",
        ),
        (
            ("name",),
            "My own",
            "name: found 'My own', expected lower-case letters, digits and . _ + -, beginning with "
            "a letter or a digit",
        ),
        (
            ("services", "assistant", "plans", "one-per-task"),
            ["minilm-intent", "minilm-slot"],
            "services.assistant.plans.one-per-task.1: unknown candidate 'minilm-slot'; "
            "did you mean 'minilm-slots'?",
        ),
        (
            ("services", "assistant", "plans", "one-per-task"),
            ["minilm-intent"],
            "services.assistant.plans.one-per-task: none of its candidates answer(s) task "
            "'slots'; expected exactly one",
        ),
        (
            ("services", "assistant", "plans", "twice"),
            ["minilm-intent+slots", "minilm-slots"],
            "services.assistant.plans.twice: 2 of its candidates answer(s) task 'slots'; "
            "expected exactly one",
        ),
        (
            ("services", "assistant", "plans", "consolidated"),
            ["minilm-intent+slots", "tfidf-topic7"],
            "services.assistant.plans.consolidated.1: candidate 'tfidf-topic7' answers no task "
            "of this service",
        ),
        (
            ("services", "assistant", "plans", "My plan"),
            ["minilm-intent+slots"],
            "services.assistant.plans.My plan: found 'My plan', expected lower-case letters, "
            "digits and . _ + -, beginning with a letter or a digit",
        ),
        (
            ("validation", "max_duplicate_shares"),
            0.1,
            "validation.max_duplicate_shares: unknown setting; did you mean 'max_duplicate_share'?",
        ),
        (
            ("validation", "rules"),
            {"text_duplicates": "warn"},
            "validation.rules.text_duplicates: unknown rule 'text_duplicates'; "
            "did you mean 'text_duplicate'?",
        ),
        (
            ("validation", "rules"),
            {"label_drift": "quarantine"},
            "validation.rules.label_drift: is not about single rows; expected 'error' or 'warn'",
        ),
        (("tasks",), ["intent"], "tasks: found ['intent'], expected a section of settings"),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else "",
)
def test_one_mistake(value: Any, path: tuple[str, ...], found: Any, expected: str) -> None:
    section = value
    for part in path[:-1]:
        section = section.setdefault(part, {})
    section[path[-1]] = found
    assert mistakes(value) == [expected]


def test_unknown_task_of_a_candidate_and_of_a_service(value: Any) -> None:
    value["candidates"]["minilm-topic7"]["tasks"] = ["topics7"]
    value["services"]["assistant"]["tasks"] = ["intent", "slots", "mood"]
    assert mistakes(value) == [
        "candidates.minilm-topic7.tasks.0: unknown task 'topics7'; did you mean 'topic7'?",
        "services.assistant.tasks.2: unknown task 'mood'; known: intent, slots, topic20, topic7",
    ]


def test_all_mistakes_at_once_and_none_that_only_follows(value: Any) -> None:
    value["training"]["epochs"] = "three"
    value["candidates"]["minilm-intent"]["aproach"] = value["candidates"]["minilm-intent"].pop(
        "approach"
    )
    value["candidates"]["minilm-slots"]["backbone"] = "minilmm"
    del value["tasks"]["topic7"]["field"]
    assert mistakes(value) == [
        "tasks.topic7.field: missing; expected a value here",
        "training.epochs: found 'three', expected a valid number",
        "candidates.minilm-intent.approach: missing; expected a value here",
        "candidates.minilm-intent.aproach: unknown setting; did you mean 'approach'?",
        "candidates.minilm-slots.backbone: unknown backbone 'minilmm'; did you mean 'minilm'?",
    ]


def test_a_misspelt_section_is_one_mistake_not_one_per_reference(value: Any) -> None:
    value["candidate"] = value.pop("candidates")
    assert mistakes(value) == [
        "candidates: missing; expected a value here",
        "candidate: unknown setting; did you mean 'candidates'?",
    ]


def test_labels_that_are_numbers_are_one_mistake_each(value: Any) -> None:
    value["tasks"]["intent"]["labels"] = [0, 1]
    assert mistakes(value) == [
        "tasks.intent.labels.0: found 0, expected a valid string: put it in quotes",
        "tasks.intent.labels.1: found 1, expected a valid string: put it in quotes",
    ]
    value["tasks"]["intent"]["labels"] = []
    assert mistakes(value) == ["tasks.intent.labels: found [], expected at least 1 item in it"]


@pytest.mark.parametrize("name", [7, True, None, 1.5])
def test_names_that_are_no_text(value: Any, name: Any) -> None:
    value["tasks"][name] = {"dataset": "home", "kind": "tagging", "field": "slots"}
    (mistake,) = mistakes(value)
    assert mistake.startswith("tasks.")
    assert mistake.endswith(f": found {name!r}, expected a valid string: put it in quotes")


def test_keys_that_dvc_overlooks_are_refused(value: Any) -> None:
    value["tasks"]["size"] = value["tasks"]["intent"]
    with pytest.raises(PlaitError, match=r"tasks\.size: DVC does not notice changes of a key"):
        check(value, "params.yaml")
