"""Start a run of a deployment when the project's data change, also while nothing watched them."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from plait.files import dump_json, read_json, write_json
from plait.running import deployment_runs
from plait.running.arrivals import TAG, Arrivals, Runs, Verdict, Version
from plait.running.missed import Overlap
from plait.running.origins import Origins

FOLDER = Path(".plait/arrivals")
SECONDS_BETWEEN = 3.0
_SAID: dict[Verdict, str] = {
    "start": "a run of it is planned",
    "taken": "the run that has begun since takes it",
    "left out": "left out, as a run was going on (--overlap skip); the next run takes it",
}


class DataRuns:
    """Looks at the data of the project in `folder`, and starts runs of a deployment.

    Args:
        name: of the deployment.
        apart: runs work on the last commit, otherwise in the folder.
    """

    def __init__(
        self, name: str, folder: Path, apart: bool, overlap: Overlap, say: Callable[[str], None]
    ) -> None:
        self._name, self._overlap, self._say = name, overlap, say
        self._path = folder / FOLDER / f"{'apart' if apart else 'in-place'}.json"
        self._number, last = _recorded(self._path)
        self._origins, self._arrivals = Origins(folder, apart), Arrivals(last)
        # A thread of its own, as asyncio would wait for its threads when the schedule is stopped.
        self._threads = ThreadPoolExecutor(1)

    async def keep_up(self, deployment: UUID) -> None:
        """Look at the data every few seconds, without end."""
        said = ""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN)
            try:
                await self._look(deployment)
                said = ""
            except Exception as error:  # the server may have ended: it is started again
                found = f"New data are not noticed: {type(error).__name__}: {error}"
                if found != said:
                    self._say(found)
                said = found

    async def _look(self, deployment: UUID) -> None:
        aside = asyncio.get_running_loop().run_in_executor
        glance = await aside(self._threads, self._origins.glance)
        if not self._arrivals.is_due(glance, datetime.now(UTC)):
            return
        version = await aside(self._threads, self._origins.version)
        if await aside(self._threads, self._origins.glance) != glance:
            return
        verdict = self._arrivals.judge(version, await _runs(deployment), self._overlap)
        if verdict != "wait":
            await self._settle(deployment, version, verdict)

    async def _settle(self, deployment: UUID, version: Version, verdict: Verdict) -> None:
        """Start the run, if there is to be one; then record the version."""
        parts = self._arrivals.new_parts(version)
        if verdict == "start":
            await self._start(deployment, version, parts)
            self._number += 1
        if verdict in _SAID:
            self._say(f"New data ({_listed(parts)}): {_SAID[verdict]}")
        self._arrivals.accept(version)
        write_json(self._path, {"runs": self._number, "version": self._arrivals.last})

    async def _start(self, deployment: UUID, version: Version, parts: list[str]) -> None:
        """Start a run; after a kill before it is recorded, the same one is found again."""
        from prefect.client.orchestration import get_client

        digest = hashlib.sha256(dump_json(version)).hexdigest()
        async with get_client() as client:
            await client.create_flow_run_from_deployment(
                deployment,
                name=f"new data: {_listed(parts)}",
                tags=[TAG],
                idempotency_key=f"{self._name}-{self._path.stem}-{self._number}-{digest}",
            )


def _recorded(path: Path) -> tuple[int, Version | None]:
    """How many runs were started, and what was last run on; nothing at first."""
    try:
        found = read_json(path)
        return int(found["runs"]), dict(found["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, None


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return ", ".join(parts[:3]) + more


async def _runs(deployment: UUID) -> Runs:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        runs = await deployment_runs.unfinished(client, deployment)
        begun = await deployment_runs.last_begun(client, deployment)
    waiting = [run for run in runs if run.state is None or run.state.is_scheduled()]
    return Runs(len(waiting) < len(runs), bool(waiting), begun)
