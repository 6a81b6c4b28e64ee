"""Batch prediction of a folder as a Prefect flow: a task for each file, or for rows of a large one.

With a work pool each task runs as a flow run of its own there, so that several machines take part.
They share the project's folder, its registry, and both folders of data.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from plait.errors import PlaitError
from plait.files import read_json
from plait.registry.stage import Stage
from plait.registry.store import Registry
from plait.running import project
from plait.running.events import Event, tell
from plait.running.pace import Pace
from plait.running.progress_artifact import ProgressArtifact
from plait.serving.batch.folders import Part, Request, plan
from plait.serving.batch.options import OnBadRow, Options

ROWS = 1_000_000
POOL_PART = "score-part/pool"
"""The deployment that answers a part, by infra/prefect.yaml."""
DONE = "Cached"


def _answer(part: Part, request: Request) -> State[Any]:
    """Answer a part in this process, with its progress as an artifact."""
    progress, pace, logger = ProgressArtifact(part.name), Pace(), get_run_logger()

    def watch(done: int, total: int) -> None:
        figures = {"label": "predict", "done": done, "total": total, "figures": {}}
        progress.update(pace(figures))

    try:
        done = request.answer(part, Path.cwd(), logger.warning, watch)
    except PlaitError as error:
        logger.error("%s", error)
        return Failed(message=str(error))
    progress.close()
    if done.rows and done.resumed == done.rows and not done.seconds:
        return Completed(name=DONE, message="Its output is there already")
    logger.info("%s", done.told(part.out))
    return Completed(message=f"{done.rows:,} rows")


@task(task_run_name="{part.name}", cache_policy=NO_CACHE, persist_result=False)
def here(part: Part, request: Request) -> State[Any]:
    """Answer a part in the process of the flow."""
    return _answer(part, request)


@task(task_run_name="{part.name}", cache_policy=NO_CACHE, persist_result=False)
def there(part: Part, request: Request) -> State[Any]:
    """Let a worker of the pool answer a part."""
    run: Any = run_deployment(
        POOL_PART,
        parameters={"part": part.as_json(), "request": request.as_json()},
        flow_run_name=part.name,
        poll_interval=2,
    )
    state = run.state
    if state is None or not state.is_completed():
        return Failed(message=state.message if state else "The run has no state")
    return Completed(name=state.name, message=state.message)


@flow(name="score-part", persist_result=False)
def score_part(part: dict[str, Any], request: dict[str, Any]) -> State[Any]:
    """Answer a part that `score` has planned, on a worker of its work pool."""
    return _answer(Part.from_json(part), Request.from_json(request))


@flow(name="score", flow_run_name="{folder}", persist_result=False)
def score(
    folder: str,
    out: str,
    service: str | None = None,
    stage: Stage = "production",
    pattern: str = "*",
    ending: str | None = None,
    text: str = "text",
    prefix: str = "",
    top: int = 1,
    on_bad_row: OnBadRow = "null",
    delimiter: str | None = None,
    rows: int = ROWS,
    at_once: int = 0,
    processes: int = 0,
    pool: bool = False,
) -> State[Any]:
    """Answer all files of a folder by the champion of a service.

    Args:
        pattern: of the files' names.
        ending: of the outputs, such as .parquet; None: that of each input.
        rows: of a part; a larger file becomes several.
        at_once: parts that are answered at once; 0: one, with a pool all of them.
        processes: of each part; 0: as cores and memory allow.
        pool: let the workers of a work pool answer (deployment score-part/pool).
    """
    options = Options(text, prefix, top, on_bad_row, delimiter)
    try:
        record = Registry(project.root()).require(service, stage)
        request = Request.of(record, options, processes)
        parts = plan(Path(folder).resolve(), Path(out).resolve(), pattern, ending, rows, options)
    except PlaitError as error:
        get_run_logger().error("%s", error)
        return Failed(message=str(error))
    submit: Any = there.submit if pool else here.submit
    states = _all(parts, at_once or (len(parts) if pool else 1), lambda p: submit(p, request))
    _summarise(parts, states)
    failed = [
        f"{part.name}: {states[part.name].message}" for part in parts if _failed(states, part)
    ]
    if failed:
        return Failed(message=f"{len(failed)} of {len(parts)} parts failed: {'; '.join(failed)}")
    return Completed(message=f"{len(parts)} parts, answered by record {record.number}")


def _failed(states: Mapping[str, State[Any]], part: Part) -> bool:
    return not states[part.name].is_completed()


def _all(
    parts: list[Part], at_once: int, submit: Callable[[Part], PrefectFuture[Any]]
) -> dict[str, State[Any]]:
    """The last state of each part; a failure leaves the others."""
    finished: SimpleQueue[Part] = SimpleQueue()
    futures: dict[str, PrefectFuture[Any]] = {}
    states: dict[str, State[Any]] = {}
    waiting = list(reversed(parts))
    while len(states) < len(parts):
        while waiting and len(futures) - len(states) < at_once:
            part = waiting.pop()
            futures[part.name] = submit(part)
            futures[part.name].add_done_callback(partial(_put, finished, part))
        part = finished.get()
        futures[part.name].wait()
        states[part.name] = futures[part.name].state
        tell(Event("note", text=f"{part.name}: {_said(states[part.name])}"))
    return states


def _put(finished: SimpleQueue[Part], part: Part, _future: PrefectFuture[Any]) -> None:
    finished.put(part)


def _said(state: State[Any]) -> str:
    return f"{state.name}. {state.message}" if state.message else str(state.name)


def _summarise(parts: list[Part], states: Mapping[str, State[Any]]) -> None:
    """A table of all parts, as an artifact."""
    lines = []
    for part in parts:
        line = {"part": part.name, "state": _said(states[part.name])}
        if not _failed(states, part):
            found = read_json(part.receipt)
            line |= {"rows": f"{found['rows']:,}", "rows/s": f"{found['rate']:,.0f}"}
            line |= {"without an answer": f"{found['bad']:,}", "first": found["first"]}
        lines.append(line)
    skipped = sum(states[part.name].name == DONE for part in parts)
    failed = sum(_failed(states, part) for part in parts)
    create_table_artifact(
        lines,
        key="score",
        description=f"{len(parts)} parts: {skipped} done before, {failed} failed",
    )
