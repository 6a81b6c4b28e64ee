"""The runs of one deployment, asked from Prefect's server."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

_UNFINISHED = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]
_USED_DATA = ["RUNNING", "COMPLETED", "FAILED"]


async def unfinished(client: Any, deployment: UUID) -> "list[FlowRun]":
    """The runs that are due or go on."""
    wanted = {
        "expected_start_time": {"before_": datetime.now(UTC)},
        "state": {"type": {"any_": _UNFINISHED}},
    }
    return await _read(client, deployment, wanted, limit=200)


async def last_begun(client: Any, deployment: UUID) -> datetime | None:
    """When the last run began that took all data and wasn't killed or cancelled."""
    wanted = {"start_time": {"is_null_": False}, "state": {"type": {"any_": _USED_DATA}}}
    runs = await _read(client, deployment, wanted, limit=20, sort="START_TIME_DESC")
    whole = (run for run in runs if not run.parameters.get("candidates"))
    return next((run.start_time for run in whole), None)


async def _read(
    client: Any, deployment: UUID, wanted: Mapping[str, Any], **more: Any
) -> "list[FlowRun]":
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter

    found: list[FlowRun] = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter.model_validate(wanted),
        **more,
    )
    return found
