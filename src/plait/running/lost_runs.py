"""Runs whose process was killed: a killed process can't report its end to Prefect's server.

Three things find one; each covers what the others can't see. The watchdog reports it within
seconds, unless it was killed, too. The server misses the run's heartbeats. The next run of the
project finds the record of a run that didn't end in order.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from plait.files import read_json, write_json

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

HEARTBEAT = "plait.run.heartbeat"
SECONDS_BETWEEN = 15.0
HEARTBEATS_MISSED = timedelta(seconds=50)
PENDING_SECONDS = timedelta(seconds=75)
"""How long a run's process may take to start; on a busy machine it takes half a minute."""
GONE = "Its process is gone; `plait run` goes on where it was"
LOST = "plait: a run's heartbeats stopped"
NEVER_BEGAN = "plait: a run's process did not begin"
_ENDINGS = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Cancelled", "Crashed")}


def watch() -> None:
    """Make the server mark a run as *Crashed* when its heartbeats stop, or it never begins."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for wanted in (_heartbeats_stopped(), _never_began()):
            if not client.read_automations_by_name(wanted.name):
                client.create_automation(wanted)


def _heartbeats_stopped() -> "AutomationCore":
    return _crashed_unless(LOST, {HEARTBEAT}, {HEARTBEAT, *_ENDINGS}, HEARTBEATS_MISSED)


def _never_began() -> "AutomationCore":
    pending, running = "prefect.flow-run.Pending", "prefect.flow-run.Running"
    again = {f"prefect.flow-run.{name}" for name in ("AwaitingConcurrencySlot", "Scheduled")}
    ours = {"prefect.resource.role": "flow", "prefect.resource.name": "plait"}
    expected = {pending, running, "prefect.flow-run.Cancelling", *again, *_ENDINGS}
    return _crashed_unless(NEVER_BEGAN, {pending}, expected, PENDING_SECONDS, ours)


def _crashed_unless(
    name: str,
    after: set[str],
    expect: set[str],
    within: timedelta,
    related: dict[str, Any] | None = None,
) -> "AutomationCore":
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    return AutomationCore(
        name=name,
        trigger=EventTrigger(
            after=after,
            expect=expect,
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related=related or {},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=GONE, force=False)],
    )


@contextmanager
def heartbeats(run: str) -> Iterator[None]:
    """Tell the server every `SECONDS_BETWEEN` seconds that the process of this run lives.

    Prefect's own heartbeats come as often as the settings of whoever started the run say.
    """
    from prefect.events import emit_event

    ended = threading.Event()

    def beat() -> None:
        while not ended.is_set():
            emit_event(HEARTBEAT, {"prefect.resource.id": f"prefect.flow-run.{run}"})
            ended.wait(SECONDS_BETWEEN)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def recorded(folder: Path, run: str, mark: str) -> Iterator[None]:
    """Record which run works on a project; one whose record is still there was killed.

    Use it while holding the lock of `plait.running.processes.only_run`.

    Args:
        run: Prefect's id of the flow run.
        mark: of the run's `Processes`.
    """
    path = _path(folder)
    if before := _read(path).get("flow_run"):
        report(before)
    write_json(path, {"flow_run": run, "mark": mark})
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def report_if_recorded(folder: Path, mark: str) -> None:
    """Report the run of this mark as crashed, unless it ended in order."""
    record = _read(_path(folder))
    if record.get("mark") == mark:
        report(record["flow_run"])


def report(run: str) -> None:
    """Mark a run as *Crashed*, unless it has ended; does nothing if the server doesn't know it."""
    from prefect.client.orchestration import get_client
    from prefect.states import Crashed

    # The server may be gone, too, or be another one than the run's: then nothing is left to mend.
    with suppress(Exception), get_client(sync_client=True) as client:
        found = client.read_flow_run(UUID(run))
        if found.state is None or not found.state.is_final():
            client.set_flow_run_state(found.id, Crashed(message=GONE))


def _path(folder: Path) -> Path:
    return folder / ".plait" / "run.json"


def _read(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
