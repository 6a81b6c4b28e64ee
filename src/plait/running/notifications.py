"""Messages to a webhook when a run fails or a champion is promoted.

Prefect's server sends them (an automation), so that a run whose process was killed is told of, too.
A message is a JSON object with `text`, which chat programs show as it is, `event`, `run` and `url`.
"""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from plait.errors import PlaitError

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

VARIABLE = "PLAIT_WEBHOOK"
"""The address may hold a secret: it is never an argument, which other users of a machine see."""
PROMOTION = "plait.promotion"
ENDINGS = {f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut", "Incomplete")}
FLOWS = ["plait", "score"]
_BEGINNING = "plait: tell of runs that fail and of promotions"
_PAYLOAD = """
{%- if event.event == "plait.promotion" -%}
  {%- set text = event.payload.service ~ ": promoted. " ~ event.payload.why -%}
{%- else -%}
  {%- set state = flow_run.state.name -%}
  {%- set why = (flow_run.state.message or state).splitlines()[0] -%}
  {%- set text = flow_run.name ~ ": " ~ (why if why.startswith(state) else state ~ ". " ~ why) -%}
{%- endif -%}
{"text": {{ text | tojson }}, "event": {{ event.event | tojson }},
 "run": {{ flow_run.name | tojson }}, "url": {{ (flow_run | ui_url) | tojson }}}
"""


def address() -> str | None:
    """The webhook's address; None if none is set.

    Raises:
        PlaitError: it is not of the web. The message doesn't quote it.
    """
    found = os.environ.get(VARIABLE)
    if not found:
        return None
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlaitError(f"{VARIABLE}: expected an address such as https://chat.example.org/hook.")
    return found


def notify(project: str, url: str | None) -> None:
    """Let the server tell this address of a project's runs; nobody any more if it is None.

    Args:
        project: distinguishes projects that share a server.
    """
    from prefect.blocks.webhook import Webhook
    from prefect.client.orchestration import get_client
    from prefect.types import SecretDict
    from pydantic import SecretStr

    name = f"{_BEGINNING} ({project})"
    with get_client(sync_client=True) as client:
        for known in client.read_automations_by_name(name):
            client.delete_automation(known.id)
        if url is None:
            return
        headers = SecretDict({"Content-Type": "application/json"})
        block = Webhook(method="POST", url=SecretStr(url), headers=headers)
        saved = block.save(f"plait-{project}", overwrite=True)
        client.create_automation(_automation(name, UUID(str(saved))))


def _automation(name: str, block: UUID) -> "AutomationCore":
    from prefect.events.actions import CallWebhook
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    return AutomationCore(
        name=name,
        trigger=EventTrigger(
            expect={*ENDINGS, PROMOTION},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": FLOWS},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[CallWebhook(block_document_id=block, payload=_PAYLOAD)],
    )


def tell_of_promotion(run: str, service: str, why: str) -> None:
    """Tell the server of a promotion in this flow run."""
    from prefect.events import emit_event

    flow = {"prefect.resource.id": "plait.flow", "prefect.resource.role": "flow"}
    emit_event(
        PROMOTION,
        {"prefect.resource.id": f"plait.service.{service}", "prefect.resource.name": service},
        related=[
            {**flow, "prefect.resource.name": "plait"},
            {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"},
        ],
        payload={"service": service, "why": why},
    )
