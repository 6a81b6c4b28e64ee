"""The pipeline as a Prefect flow: run the stages of DVC's graph, then promote.

This module names no stage: dvc.yaml declares what is derived. Actions, such as promotion, are here.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from plait.errors import PlaitError
from plait.experiment import set_aside
from plait.experiment.loading import load
from plait.experiment.switching import switch
from plait.pages.markdown import escape
from plait.report.gates import gates_markdown, record_gates
from plait.running import (
    graph,
    lock_files,
    lost_runs,
    notifications,
    project,
    report_link,
    server_watch,
    shown,
)
from plait.running.apart import come_back, workplace
from plait.running.events import Event, tell
from plait.running.graph import Graph, Outcome, StageCrashed
from plait.running.pace import Pace
from plait.running.processes import Processes, Stopped, only_run
from plait.running.progress_artifact import ProgressArtifact, key
from plait.running.ready import INCOMPLETE, Walk

CRASH_RETRIES = 1
APART = "scheduled"
"""The worktree of runs apart."""
ONLY = "Only the stages of"
WHAT_CHANGED = "what changed (DVC)"


def _has_crashed(_task: Any, _run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), StageCrashed)


@task(
    task_run_name="{node.name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=CRASH_RETRIES,
    retry_delay_seconds=1,
    retry_condition_fn=_has_crashed,
)
def stage(node: graph.Stage, processes: Processes, skip: bool, force: bool) -> State[Outcome]:
    """Run one stage, or report that it needs no run."""
    logger = get_run_logger()
    if skip:
        return Completed(name="Cached", message="DVC: nothing changed", data=Outcome.UNCHANGED)
    tell(Event("started", node.name))
    progress, pace = ProgressArtifact(node.name), Pace()

    def on_progress(printed: Mapping[str, Any]) -> None:
        figures = pace(printed)
        progress.update(figures)
        tell(Event("progress", node.name, figures=figures))

    def on_line(line: str) -> None:
        logger.info("%s", line)
        tell(Event("line", node.name, line))

    try:
        outcome = graph.run_stage(node.address, processes, on_line, on_progress, force)
    except Stopped:
        return Cancelled(message="The run was cancelled")
    except PlaitError as error:
        logger.error("%s", error)
        return Failed(message=str(error))
    progress.close()
    if outcome is Outcome.RAN:
        return Completed(data=outcome)
    return Completed(name="Cached", message=f"DVC: {outcome}", data=outcome)


@task(task_run_name="promote", cache_policy=NO_CACHE, persist_result=False)
def promote(root: Path) -> list[Any]:
    """Promote the winning plan of each service."""
    from plait.plans.promotion import promote as decide

    decisions = decide(load(root / "params.yaml"), root)
    for decision in decisions:
        get_run_logger().info("%s: %s. %s", decision.service, decision.status, decision.reason)
        if decision.status == "promoted":
            notifications.tell_of_promotion(flow_run.id, decision.service, decision.why)
    return decisions


def _show_decisions(decisions: list[Any]) -> None:
    """As an artifact of the flow run: on its page those of tasks stand below, among the bars."""
    parts = [f"**{escape(d.service)}**: {d.status}. {d.reason}\n\n{_gates(d)}" for d in decisions]
    create_markdown_artifact("\n\n".join(parts), key="promotion", description="Promotion")


def _gates(decision: Any) -> str:
    """The table of a decision."""
    return gates_markdown(record_gates(decision.record.gates))


def _name_at_start() -> str:
    return flow_run.parameters.get("experiment") or shown.title(Path.cwd())


@flow(name="plait", flow_run_name=_name_at_start, persist_result=False)
def pipeline(
    experiment: str | None = None,
    force: bool = False,
    candidates: list[str] | None = None,
    apart: bool = False,
) -> State[Any]:
    """Run the changed stages, then promote.

    Args:
        experiment: switch to this file of experiments/ (without .yaml) first, unless params.yaml
            has hand edits. None: use params.yaml as it is.
        force: run every stage, changed or not.
        candidates: run only the stages of these candidates and what they need; promote nothing.
            None: run all stages.
        apart: work in a git worktree of its own, on the last commit, and leave what changes on a
            branch. Otherwise in the project's folder.
    """
    try:
        root = project.root()
        if not apart:
            return _run_alone(root, experiment, force, candidates)
        with workplace(root, APART, _wait_for_other) as folder:
            state = _run_alone(folder, experiment, force, candidates)
            return _with_branch(root, folder, state)
    except PlaitError as error:
        get_run_logger().error("%s", error)
        return Failed(message=str(error))
    except (TerminationSignal, KeyboardInterrupt, Stopped):
        return Cancelled(message="Cancelled: the processes of all stages were ended")


def _run_alone(
    root: Path, experiment: str | None, force: bool, candidates: list[str] | None
) -> State[Any]:
    with only_run(root, _wait_for_other), Processes(root) as processes, _kept(root, processes):
        return _run(root, processes, experiment, force, candidates)


def _with_branch(root: Path, folder: Path, state: State[Any]) -> State[Any]:
    """The state of a run apart, with the branch that it leaves."""
    if not (state.is_completed() or state.name == INCOMPLETE):
        return state
    branch = come_back(root, folder, f"{shown.title(folder)}\n\n{state.message}")
    text = f"Branch {branch} has what changed" if branch else "Nothing differs from the commit"
    _note(text)
    state.message = f"{state.message}\n{text}"
    return state


@contextmanager
def _kept(root: Path, processes: Processes) -> Iterator[None]:
    """End the run if its server is lost; let it be found as crashed if its process is killed."""
    recorded = lost_runs.recorded(root, flow_run.id, processes.mark)
    with server_watch.watching(root, processes), recorded, lost_runs.heartbeats(flow_run.id):
        lost_runs.watch()
        yield


def _wait_for_other() -> None:
    _note("Another run of this project is going on: waiting for its end")


def _note(text: str) -> None:
    get_run_logger().warning("%s", text)
    tell(Event("note", text=text))


def _run(
    root: Path,
    processes: Processes,
    experiment: str | None,
    force: bool,
    candidates: list[str] | None,
) -> State[Any]:
    if experiment is not None:
        switch(root, experiment)
    load(root / "params.yaml")
    shown.tag(root)
    lock_files.mend(root, _note)
    lock_files.say_who_holds(root, _note)
    _pull(root, processes)
    begun = _run_always(root, processes)
    found = _read(root)
    walk = Walk(found.only(candidates) if candidates else found, force)
    _name_by_changes(root, walk)
    _walk(walk, processes, begun)
    _name_by_outcomes(root, walk)
    if processes.stopped:
        raise Stopped
    if not walk.may_act or (candidates and walk.failures):
        return Failed(message=_why_failed(walk))
    if candidates:
        return Completed(message=f"{ONLY} {', '.join(candidates)}: nothing is promoted")
    _show_report(root)
    decisions = promote.submit(root).result()
    _show_decisions(decisions)
    promotion = "\n".join(f"{d.service}: {d.status}. {d.why}" for d in decisions)
    if walk.failures:
        return Failed(name=INCOMPLETE, message=f"{_why_failed(walk)}\nPromotion:\n{promotion}")
    return Completed(message=promotion)


def _pull(root: Path, processes: Processes) -> None:
    missing = graph.missing_outputs(root)
    if missing:
        tell(Event("note", text=f"Looking for {len(missing)} missing outputs in the DVC remote"))
        graph.pull(missing, processes, get_run_logger().info)
        left = len(graph.missing_outputs(root))
        tell(
            Event(
                "note", text=f"{len(missing) - left} outputs fetched; stages make the other {left}"
            )
        )


def _read(root: Path) -> Graph:
    """The graph, after outputs of removed stages have been moved away."""
    found = _read_graph(root)
    declared = [
        Path(os.path.relpath(out, root)) for each in found.stages.values() for out in each.outs
    ]
    moved = set_aside.move_removed(root, declared)
    if not moved:
        return found
    text = f"{len(moved)} outputs of removed stages: moved to {set_aside.REMOVED}"
    get_run_logger().info("%s (%s)", text, ", ".join(map(str, moved)))
    tell(Event("note", text=text))
    return _read_graph(root)  # again, because stages that read whole folders may have changed


def _read_graph(root: Path) -> Graph:
    tell(Event("started", WHAT_CHANGED))
    try:
        return graph.read(root)
    finally:
        tell(Event("over", WHAT_CHANGED))


def _name_by_changes(root: Path, walk: Walk) -> None:
    """Rename the flow run by experiment, data and the number of changed stages."""
    stages = walk.graph.stages.keys() - walk.graph.always
    changed = len(stages) if walk.force else len(walk.graph.changed)
    shown.rename(shown.title(root, f"{changed} of {len(stages)} stages changed"))


def _name_by_outcomes(root: Path, walk: Walk) -> None:
    """Rename it at the end: data and stages downstream may have changed on the way."""
    stages = walk.graph.stages.keys() - walk.graph.always
    ran = sum(walk.outcomes.get(address) is Outcome.RAN for address in stages)
    failed = f", {len(walk.failures)} failed" if walk.failures else ""
    shown.rename(shown.title(root, f"{ran} of {len(stages)} stages ran{failed}"))


def _run_always(root: Path, processes: Processes) -> dict[str, PrefectFuture[Any]]:
    """Run the stages that DVC runs every time; the state of the others depends on them."""
    futures: dict[str, PrefectFuture[Any]] = {}
    found = graph.declared(root)
    for address in sorted(found.always):
        node = found.stages[address]
        futures[address] = stage.submit(node, processes, skip=False, force=False)
        futures[address].wait()
        state = futures[address].state
        if processes.stopped:
            raise Stopped
        if not state.is_completed():
            tell(Event("failed", node.name, _reason(state)))
            raise PlaitError(_reason(state))
        tell(Event(futures[address].result().value, node.name))
    return futures


def _walk(walk: Walk, processes: Processes, begun: Mapping[str, PrefectFuture[Any]]) -> None:
    futures = dict(begun)
    finished: SimpleQueue[str] = SimpleQueue()

    def submit(address: str, skip: bool = False) -> None:
        upstream = [futures[each] for each in walk.graph.stages[address].upstream]
        futures[address] = stage.submit(
            walk.graph.stages[address],
            processes,
            skip,
            walk.force,
            wait_for=upstream,
            return_state=False,
        )
        futures[address].add_done_callback(lambda _future: finished.put(address))

    while True:
        for address in walk.start():
            submit(address, skip=not walk.needs_run(address))
        if not walk.running:
            break
        address = finished.get()
        _settle(walk, address, futures[address])
    for address in walk.blocked:  # shown as NotReady
        submit(address)


def _settle(walk: Walk, address: str, future: PrefectFuture[Any]) -> None:
    future.wait()
    settled = walk.graph.stages[address]
    _show_summaries(settled)
    if future.state.is_completed():
        outcome = future.result()
        if outcome is not Outcome.UNCHANGED:
            shown.show_curves(settled)
        walk.finish(address, outcome)
        tell(Event(outcome.value, settled.name))
    else:
        reason = _reason(future.state)
        walk.fail(address, reason)
        tell(Event("failed", settled.name, reason))


def _show_summaries(settled: graph.Stage) -> None:
    """Show the summaries of a stage, failed or not, as an artifact."""
    found = [path.read_text(encoding="utf-8") for path in settled.summaries if path.is_file()]
    if found:
        create_markdown_artifact(
            "\n\n".join(found),
            key=key("summary", settled.name),
            description=f"Summary of {settled.name}",
        )


def _reason(state: State[Any]) -> str:
    error = state.result(raise_on_failure=False)
    return str(error) if isinstance(error, StageCrashed) else state.message or state.type.value


def _why_failed(walk: Walk) -> str:
    lines = [f"Failed: {reason}" for reason in walk.failures.values()]
    if walk.blocked:
        lines.append(f"Not run because of that: {len(walk.blocked)} downstream stages")
    return "\n".join(lines)


def _show_report(root: Path) -> None:
    report = root / "report" / "report.md"
    if report.is_file():
        create_markdown_artifact(
            report.read_text(encoding="utf-8"), key="benchmark", description="Benchmark"
        )
    if link := report_link.publish(report.with_name("index.html")):
        create_link_artifact(link, "Open the report", key="report", description="Report, one page")


if __name__ == "__main__":
    from plait.commands.run import run

    run()
