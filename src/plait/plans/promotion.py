"""Promotion: the winning plan of each service becomes its champion, or a reason why not.

`plait.plans.verdict` says which plan of an experiment wins; here it meets the champion, by
`plait.plans.succession`. What is measured on this machine (time, memory) is held to its gates here,
too: a verdict is the same everywhere.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from plait.errors import PlaitError, did_you_mean
from plait.experiment.schema import Experiment
from plait.plans.finalists import Finalist, answers, finalists
from plait.plans.gates import why_failed
from plait.plans.rivals import Incomparable, Rivals, parameters
from plait.plans.succession import looks_before, meet
from plait.plans.verdict import Contender
from plait.plans.wording import (
    RULE,
    STAYS,
    champion_title,
    meeting,
    of_another_experiment,
    sentence,
)
from plait.registry.acts import champions_stay
from plait.registry.holds import refusal, same_plan
from plait.registry.packages import keep_card
from plait.registry.records import Record, Stage
from plait.registry.store import Registry

Status = Literal["promoted", "unchanged", "refused"]


@dataclass(frozen=True)
class Decision:
    """The decision about one service; `record` is the champion's, or the refused plan's.

    `reason` tells it from verdict and rule on; `why` is its last part, about the champion.
    """

    service: str
    status: Status
    reason: str
    why: str
    record: Record


@dataclass(frozen=True)
class Ruling:
    """What becomes of a finalist; `figures` are the fields of its record that say why.

    A refusal that a person may overrule is `open`.
    """

    status: Status
    why: str
    figures: Mapping[str, Any] | None = None
    open: bool = False


def promote(
    experiment: Experiment,
    root: Path,
    services: Sequence[str] | None = None,
    *,
    stage: Stage = "production",
    consent: str = "",
    approval: str = "",
    dry_run: bool = False,
) -> list[Decision]:
    """Promote the winning plan of each service of an experiment that has been run in `root`.

    Promotions wait for one another. A failure leaves the champion as it was.

    Args:
        services: only these.
        stage: the pointer that is set.
        consent: why a person lets the winner replace a champion that the rule keeps, or win again
            after a rollback; never one that fails a gate.
        approval: a sentence that says who approved a promotion; it ends the record's reason.
        dry_run: decide and write nothing.

    Raises:
        PlaitError: an unknown service, scores or bundles are missing or don't belong together, no
            space on the disk, or another promotion doesn't end.
    """
    names = _named(experiment, services)
    registry = Registry(root)
    rivals = Rivals(registry, root, experiment.declared_tasks())
    found = finalists(experiment, names, root, stage)
    settling = Settling(experiment, root, registry, rivals, consent, approval, dry_run)
    for each in found:  # models answer before the lock is held
        with suppress(Incomparable):
            settling.rival(each, registry.champion(each.draft.service, stage))
    with champions_stay(registry, "plait promote"), nullcontext() if dry_run else registry.lock():
        return [settling.settle(each) for each in found]


def _named(experiment: Experiment, services: Sequence[str] | None) -> list[str]:
    for name in services or ():
        if name not in experiment.services:
            hint = did_you_mean(name, list(experiment.services))
            raise PlaitError(f"services: params.yaml has no {name!r}{hint}")
    return list(experiment.services if services is None else dict.fromkeys(services))


@dataclass(frozen=True)
class Settling:
    """Decides about finalists, and writes the decisions unless it is a `dry_run`."""

    experiment: Experiment
    root: Path
    registry: Registry
    rivals: Rivals
    consent: str
    approval: str
    dry_run: bool

    def settle(self, finalist: Finalist) -> Decision:
        """Decide about one; the registry's lock is held."""
        draft = finalist.draft
        champion = self.registry.champion(draft.service, draft.stage)
        ruling = self._overruled(self._rule(finalist, champion))
        rule = RULE if finalist.verdict.comparisons or ruling.figures is not None else ""
        approved = self.approval if ruling.status == "promoted" else ""
        record = replace(
            draft,
            reason=" ".join(filter(None, (finalist.verdict.sentence, rule, ruling.why, approved))),
            replaces=champion.number if champion else None,
            outcome="promoted" if ruling.status == "promoted" else "refused",
            **{"consent": self._lifting(draft, ruling), **(ruling.figures or {})},
        )
        kept = champion if ruling.status == "unchanged" and champion else record
        if not self.dry_run:
            kept = self._write(record, kept)
        return Decision(draft.service, ruling.status, record.reason, ruling.why, kept)

    def _overruled(self, ruling: Ruling) -> Ruling:
        if not ruling.open:
            return ruling
        if not self.consent:
            return replace(ruling, why=f"{ruling.why} {STAYS}")
        why = f"{ruling.why} A person replaces the champion: {self.consent}"
        figures = {**(ruling.figures or {}), "consent": self.consent}
        return Ruling("promoted", why, figures)

    def _lifting(self, draft: Record, ruling: Ruling) -> str:
        """The consent, where it lets a plan win that was rolled back from."""
        if ruling.status != "promoted" or not self.consent:
            return ""
        return self.consent if refusal(self.registry.history(draft.service), draft) else ""

    def _write(self, record: Record, decided: Record) -> Record:
        """Write a decision: a refusal, a promotion, or none where `decided` is the champion."""
        self.rivals.keep()
        if decided.outcome == "refused":
            return self.registry.write(record)
        for candidate in record.bundles:
            self.registry.add(self.root / "models" / candidate)
        if decided is not record:
            return decided
        for task, name in record.tasks.items():
            lines = answers(self.experiment, self.root, name, task)
            self.registry.keep_answers(record.bundles[name], record.heldout[task], lines)
        kept = self.registry.write(record)
        keep_card(self.registry, kept)
        self.registry.point(kept)
        return kept

    def _rule(self, finalist: Finalist, champion: Record | None) -> Ruling:
        """Compare a finalist with the champion."""
        draft = finalist.draft
        stays = "The champion stays." if champion else "The service has no champion."
        if finalist.contender is None:
            return Ruling("refused", stays)
        if champion and same_plan(draft, champion):
            return Ruling("unchanged", f"It is {champion_title(champion)} already.")
        history = self.registry.history(draft.service)
        if held := refusal(history, replace(draft, consent=self.consent)):
            return Ruling("refused", held)
        if failed := [why_failed(gate) for gate in finalist.machine if not gate.passed]:
            return Ruling("refused", f"But on this machine {'; '.join(failed)}. {stays}")
        if champion is None:
            return Ruling("promoted", "It is the service's first champion.")
        if champion.experiment != draft.experiment:
            why = of_another_experiment(champion, draft.experiment)
            return Ruling("refused", why, {}, open=True)
        try:
            return self._meet(finalist, finalist.contender, champion)
        except Incomparable as error:
            why = sentence(f"{champion_title(champion)} can't be compared with it: {error}.")
            return Ruling("refused", why, {}, open=True)

    def _meet(self, finalist: Finalist, winner: Contender, champion: Record) -> Ruling:
        rival = self.rival(finalist, champion)
        draft, registry = finalist.draft, self.registry
        looks = looks_before(registry.history(draft.service), draft, champion)
        ours = parameters(self.root / "models" / name for name in draft.bundles)
        theirs = parameters(map(registry.bundle, champion.bundles.values()))
        settings = self.experiment.services[draft.service]
        found = meet(winner, rival, settings, looks, (ours, theirs))
        why = meeting(found, champion_title(champion))
        figures = {"comparison": found.as_json(), "looks": looks}
        status: Status = "promoted" if found.succeeds else "refused"
        return Ruling(status, why, figures, open=not found.succeeds)

    def rival(self, finalist: Finalist, champion: Record | None) -> Contender:
        """The champion, with its answers to the finalist's held-out rows.

        Raises:
            Incomparable: it is no rival, or has no answers.
        """
        draft = finalist.draft
        if (
            finalist.contender is None
            or champion is None
            or champion.experiment != draft.experiment
        ):
            raise Incomparable("it is no rival")
        return self.rivals.contender(champion, draft, finalist.contender.metrics)
