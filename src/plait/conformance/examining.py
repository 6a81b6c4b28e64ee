"""Examine a backbone: train on toy commands by one approach, and check what comes of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from plait import bundle
from plait.approaches.base import Approach, Resolved
from plait.approaches.loading import approach
from plait.approaches.reading.coverage import MOST_UNKNOWN
from plait.approaches.reading.texts import Texts
from plait.approaches.reading.tokenizers import load_tokenizer
from plait.conformance import answers, reference, toy
from plait.conformance.findings import SEVERAL, Finding, Verdict, within
from plait.errors import PlaitError
from plait.settings import Training
from plait.tasks import Task

SCRIPT = "knows the script"
EXACT, PACKED, BF16 = 1e-3, 2e-2, 0.1
"""Differences of probabilities: by the order of sums, by weights in float16, by bfloat16."""
TURNED = 0.05
"""Share of texts whose answers may turn where rounding meets a close decision."""
STRIDES = (1.0, 2.0, 0.5, 2.0)
"""Length of the steps of repeated trainings: Granite's multipliers ask for long ones."""
WIDTH = 0.32
"""Learning rate times hidden size: wider layers need smaller steps (Yang et al. 2022, arXiv
2203.03466)."""

SEVERAL_EPOCHS = 2
"""How many times the epochs of the five languages the one language of several labels takes: two
fifths of their steps."""


@dataclass(frozen=True)
class Setting:
    """How an approach is tried.

    Attributes:
        precision: of training and answers, `fp32` or `bf16`.
        packing: whether several examples stand in one row of a batch (`generative`).
        epochs: of trainings, which are tried in this order, with other steps, until each
            language was learned once: small models that start from random weights sometimes miss
            one.
        threads: of a training; 0 for one a core.
    """

    approach: str
    precision: str = "fp32"
    packing: bool = True
    method: str = "full"
    options: Mapping[str, Any] = field(default_factory=dict)
    languages: toy.Languages = toy.LANGUAGES
    epochs: tuple[int, ...] = (8, 24, 48, 48)
    threads: int = 1

    @property
    def learns(self) -> bool:
        """Whether the approach trains anything."""
        return self.approach != "prompt"

    @property
    def own_forward(self) -> bool:
        """Whether the model is read as transformers reads it, in full precision."""
        return self.precision == "fp32" and self.options.get("attention") != "bidirectional"

    @property
    def tolerance(self) -> float:
        """Of probabilities, batched or alone."""
        return EXACT if self.precision == "fp32" else BF16


class Examination:
    """One approach on one backbone.

    Args:
        backbone: a folder with weights, tokenizer and `backbone.json`.
        scratch: an empty folder, for checkpoints and a bundle.
        say: is told what comes next.
    """

    def __init__(
        self, backbone: Path, setting: Setting, scratch: Path, say: Callable[[str], None]
    ) -> None:
        self.backbone, self.setting, self.scratch, self.say = backbone, setting, scratch, say
        self.verdict = Verdict(setting.approach)
        self.cls: Any = approach(setting.approach)
        self.languages = setting.languages

    def run(self) -> Verdict:
        """All checks; a refusal by plait ends them, and any other error is a finding."""
        try:
            self.languages = list(self._known())
            if self.languages:
                self._untrained()
            if self.languages and self.setting.learns:
                self._trained()
            if self.languages:
                self._check("several labels", self._several)
        except PlaitError as error:
            self.verdict.refusal = str(error)
        except Exception as error:  # a crash is what the examination looks for
            self._crashed("trains", error)
        return self.verdict

    def _known(self) -> Iterator[toy.Language]:
        """The languages whose script the tokenizer knows: plait refuses to learn from others."""
        texts = Texts.of(load_tokenizer(self.backbone, self.backbone.name))
        for spoken in self.setting.languages:
            found = [texts.whole(row.text) for row in toy.rows(spoken, "train")]
            tokens = sum(len(each.ids) for each in found)
            share = sum(each.unknown for each in found) / max(1, tokens)
            known = within(SCRIPT, share, MOST_UNKNOWN, "a share of unknown tokens of", spoken.name)
            self.verdict.findings.append(known)
            if known.passed:
                yield spoken

    def _crashed(self, check: str, error: Exception) -> None:
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        self.verdict.findings.append(Finding(check, False, found, "no crash"))

    def _check(self, name: str, check: Callable[[], Finding | Iterable[Finding]]) -> None:
        """Take in a check's findings; its crash is one."""
        self.say(name)
        try:
            found = check()
            self.verdict.findings += [found] if isinstance(found, Finding) else found
        except Exception as error:
            self._crashed(name, error)

    def _candidate(
        self, epochs: float = 1, attempt: int = 0, tasks: tuple[Task, ...] = toy.TASKS
    ) -> Resolved:
        training = {
            "epochs": epochs,
            "batch_size": 16,
            "learning_rate": min(5e-3, WIDTH / self._width()) * STRIDES[attempt % len(STRIDES)],
            "max_length": 96,
            "precision": self.setting.precision,
            "packing": self.setting.packing,
            "evaluations": 1,
            "threads": self.setting.threads,
        }
        setting = self.setting
        name = f"{self.backbone.name}-{setting.approach}"
        return Resolved(
            name,
            self.backbone.name,
            setting.approach,
            setting.method,
            tasks,
            training,
            seed=3 + attempt,
            options=setting.options,
        )

    def _width(self) -> int:
        config = AutoConfig.from_pretrained(self.backbone, trust_remote_code=False)
        return int(getattr(config.get_text_config(), "hidden_size", 64))

    def _untrained(self) -> None:
        """What must hold for any weights: random answers hide no fault."""
        self.say("loading")
        model, candidate, languages = self._fresh(), self._candidate(), self.languages
        heads = self.setting.approach == "heads"
        compared = reference.vectors if heads else reference.probabilities
        if self.setting.own_forward:
            self._check("forward", lambda: compared(model, self.backbone, languages))
        if self.setting.precision == "fp32":
            self._check("batches", lambda: answers.batched(model, languages, EXACT))
            if self.setting.learns:
                self._check("losses", lambda: self._losses(model))
        self._check("spans", lambda: answers.offsets(model, languages))
        self._check("control tokens", lambda: reference.control_ids(model, self._controls()))
        if not self.setting.learns:
            self._rest(model, candidate)

    def _fresh(self) -> Any:
        """The model before training."""
        candidate = self._candidate()
        if not self.setting.learns:
            return self._train(candidate)
        settings = Training.model_validate(candidate.training)
        return self.cls.build(candidate, self.backbone, settings)

    def _losses(self, model: Any) -> Iterator[Finding]:
        rows = [row for spoken in self.languages for row in toy.rows(spoken, "train")[:3]]
        cache = self.scratch / "tokens"
        yield from reference.losses(model, rows, cache / "losses")
        if self.setting.approach == "generative" and self.setting.own_forward:
            yield reference.own_loss(model, self.backbone, rows, cache / "own")

    def _controls(self) -> dict[str, int]:
        tokenizer = AutoTokenizer.from_pretrained(self.backbone, trust_remote_code=False)
        tokens = dict.fromkeys(tokenizer.all_special_tokens)
        return {token: tokenizer.convert_tokens_to_ids(token) for token in tokens}

    def _train(self, candidate: Resolved, languages: toy.Languages | None = None) -> Approach:
        spoken = languages or self.languages
        rows = {"toy": [row for each in spoken for row in toy.rows(each, "train")]}
        dev = {"toy": rows["toy"][:: 24 if languages is None else 4]}
        scratch = self.scratch / f"training-{candidate.tasks[-1].name}-{candidate.seed}"
        scratch.mkdir()
        found: Approach = self.cls.train(candidate, self.backbone, rows, dev, scratch)
        return found

    def _trained(self) -> None:
        """What must hold of a model that has learned."""
        languages, tolerance = self.languages, self.setting.tolerance
        best: list[Finding] = []
        for attempt, epochs in enumerate(self.setting.epochs):
            self.say(f"training, {epochs} epochs")
            candidate = self._candidate(epochs, attempt)
            model = self._train(candidate)
            found = list(answers.learned(model, languages))
            best = [a if a.passed else b for a, b in zip(best or found, found, strict=True)]
            if all(finding.passed for finding in best):
                break
        self.verdict.findings += best
        self._check("batches", lambda: answers.batched(model, languages, tolerance, TURNED))
        self._check("spans", lambda: answers.offsets(model, languages))
        self._check("control tokens", lambda: answers.control_tokens(model, list(self._controls())))
        self._rest(model, candidate)

    def _several(self) -> Iterator[Finding]:
        """A task of several labels, alone and in one language, so that it takes little time."""
        spoken = self.languages[:1]
        for attempt, epochs in enumerate(self.setting.epochs):
            candidate = self._candidate(epochs * SEVERAL_EPOCHS, attempt, (toy.SEVERAL,))
            model = self._train(candidate, spoken)
            found = list(answers.learned(model, spoken)) if self.setting.learns else []
            if all(finding.passed for finding in found):
                break
        tolerance = self.setting.tolerance
        found += answers.batched(model, spoken, tolerance, TURNED)
        found.append(self._reloaded(model, candidate, spoken))
        yield from (replace(finding, language=SEVERAL) for finding in found)

    def _rest(self, model: Approach, candidate: Resolved) -> None:
        self._check("odd texts", lambda: answers.odd_texts(model, self.languages))
        self._check("saving", lambda: self._reloaded(model, candidate, self.languages))

    def _reloaded(self, model: Approach, candidate: Resolved, languages: toy.Languages) -> Finding:
        """Weights that are loaded for answers are rounded, so few decisions may turn."""
        folder = self.scratch / "bundle"
        bundle.save(model, candidate, folder)
        _, again = bundle.load(folder)
        tolerance = max(self.setting.tolerance, PACKED)
        return answers.reloaded(model, again, languages, tolerance, TURNED)


def examine(
    backbone: Path, setting: Setting, scratch: Path, say: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Check one approach on one backbone; see `Examination`."""
    with suppress(FileExistsError):
        scratch.mkdir(parents=True)
    return Examination(backbone, setting, scratch, say).run()
