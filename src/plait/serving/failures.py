"""Errors of the server: one JSON form for every status."""

import json
from collections.abc import Mapping

REMEDIES = {
    404: ("not_found", "See `/openapi.json` for what there is; texts go to `POST /v1/predict`."),
    405: ("method_not_allowed", "Use a method that the header `Allow` names."),
}


class Refusal(Exception):  # noqa: N818 - most are the client's mistake
    """A request that is not answered.

    Args:
        status: of HTTP.
        kind: what programs should look at, such as `text_too_long`.
        message: what was found, and what was expected.
        remedy: what the client can do.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        remedy: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.remedy = status, kind, message, remedy
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> bytes:
        """`{"error": {"type", "message", "remedy", "request_id"}}`."""
        error = {
            "type": self.kind,
            "message": self.message,
            "remedy": self.remedy,
            "request_id": request_id,
        }
        return json.dumps({"error": error}).encode()


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """What the framework itself refuses: an unknown path, a wrong method."""
    kind, remedy = REMEDIES.get(status, ("refused", "See `/openapi.json`."))
    return Refusal(status, kind, f"{detail}.", remedy, headers)


def failed() -> Refusal:
    """A fault of the server's own; what it was stands in its log."""
    return Refusal(
        500,
        "internal",
        "The server failed to answer this request.",
        "Tell who runs it: its log has the fault under this request_id.",
    )


def stopping() -> Refusal:
    """The server was told to stop, and its time for what was in flight has run out."""
    return Refusal(503, "stopping", "The server is stopping.", "Send the request again.")
