"""Promotion by approval, as a Prefect flow: decide, ask a person, then promote or refuse.

The flow pauses with a form on its page: the decision as it would be recorded, `approve`, `why` and
`name`. Where the rule refuses what consent may replace, the form says so, and the approval is the
consent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, pause_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.utilities.urls import url_for

from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.pages.markdown import escape
from plait.plans.promotion import Decision, promote
from plait.registry.acts import refuse
from plait.registry.holds import same_plan
from plait.registry.origin import who
from plait.registry.stage import Stage
from plait.running import lost_runs, project
from plait.running.events import Event, tell

WEEK = 7 * 24 * 3600
POLL_SECONDS = 2


class Approval(RunInput):
    """What a person answers."""

    approve: bool
    why: str
    name: str


@flow(name="promotion", persist_result=False)
def promotion(
    services: list[str] | None = None, stage: Stage = "production", seconds: int = WEEK
) -> State[Any]:
    """Promote what a person approves.

    Args:
        services: default: all of params.yaml.
        stage: the pointer that is set.
        seconds: how long each question waits; then nothing is promoted.
    """
    try:
        root = project.root()
        lost_runs.watch()
        with lost_runs.heartbeats(flow_run.id):
            lines = [_settle(root, each, seconds) for each in _decide(root, services, stage)]
    except FlowPauseTimeout:
        return Failed(message=f"Nobody answered within {seconds} s: nothing was promoted")
    except PlaitError as error:
        get_run_logger().error("%s", error)
        return Failed(message=str(error))
    create_markdown_artifact(
        "\n".join(f"- {escape(line)}" for line in lines), key="promotion", description="Promotion"
    )
    return Completed(message="; ".join(lines))


def _decide(
    root: Path, services: Sequence[str] | None, stage: Stage, consent: str = ""
) -> list[Decision]:
    experiment = load(root / "params.yaml")
    return promote(experiment, root, services, stage=stage, consent=consent, dry_run=True)


def _settle(root: Path, decision: Decision, seconds: int) -> str:
    """Ask about one service and act; returns what became of it."""
    service, stage = decision.service, decision.record.stage
    (consented,) = _decide(root, [service], stage, "asked for")
    if consented.status != "promoted":
        if decision.status == "refused":
            refuse(root, decision.record, decision.reason)
        return _told(f"{service}: {decision.status}. {decision.reason}")
    answer = _ask(root, decision, seconds)
    said = f"{answer.name.strip() or 'someone'}: {answer.why.strip() or 'no reason given'}"
    if not answer.approve:
        refuse(root, decision.record, f"{decision.reason} Refused by {said}.")
        return _told(f"{service}: refused by {said}. The champion stays.")
    (now,) = _decide(root, [service], stage, said)
    if not same_plan(now.record, decision.record):
        raise PlaitError(
            f"{service}: the outputs changed while the question waited, so that another plan would "
            "win than the one approved. Run `plait promote --require-approval` again."
        )
    experiment = load(root / "params.yaml")
    approval = f"Approved by {said}."
    (made,) = promote(experiment, root, [service], stage=stage, consent=said, approval=approval)
    return _told(f"{service}: {made.status}. {made.reason}")


def _ask(root: Path, decision: Decision, seconds: int) -> Approval:
    service, stage = decision.service, decision.record.stage
    _told(f"{service}: waits for an answer at {url_for('flow-run', flow_run.id)} (Resume)")
    form = Approval.with_initial_data(
        description=_question(decision), approve=False, why="", name=who(root)
    )
    get_run_logger().info("Asking whether %s may be promoted to %s", service, stage)
    return pause_flow_run(wait_for_input=form, timeout=seconds, poll_interval=POLL_SECONDS)


def _question(decision: Decision) -> str:
    """The decision as Markdown."""
    record = decision.record
    scores = [
        f"| {escape(task)} | {escape(metric)} | {100 * value:.2f} % |"
        for task, each in record.scores.items()
        for metric, value in each.items()
    ]
    lines = [
        f"## May {escape(record.service)} be promoted to {record.stage}?",
        f"Plan **{escape(record.plan or '')}**: {escape(', '.join(record.bundles))}",
        escape(decision.reason),
    ]
    if decision.status == "refused":
        lines.append("**The rule refuses it. Your approval replaces the rule.**")
    return "\n\n".join([*lines, "\n".join(["| task | metric | score |", "|---|---|---|", *scores])])


def _told(text: str) -> str:
    tell(Event("note", text=text))
    return text
