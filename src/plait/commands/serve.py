"""`plait serve`: the champion of a service answers over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.registry.stage import Stage

if TYPE_CHECKING:
    from plait.serving.service import Service

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[SERVICE|PACKAGE]",
        help="The service, or the folder of a published one; not needed if there is only one.",
    ),
]
StageOption = Annotated[Stage, typer.Option(help="Whose champion answers.")]
Host = Annotated[str, typer.Option(help="Address to listen on; beyond loopback a token is needed.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one, and prints it.")]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="Name that clients may use for this server (a proxy's); repeatable."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(help="File with the token that requests must bring; else $PLAIT_TOKEN."),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts that run together, at most.")]
MaxWait = Annotated[
    float, typer.Option(min=0, help="Milliseconds that a batch waits for one more text, when busy.")
]
Threads = Annotated[int, typer.Option(min=0, help="Threads of a model; 0: one a core.")]
BodyBytes = Annotated[int, typer.Option(min=1, help="Bytes of a request's body.")]
Texts = Annotated[int, typer.Option(min=1, help="Texts of a request.")]
Characters = Annotated[int, typer.Option(min=1, help="Characters of a text.")]
Queue = Annotated[int, typer.Option(min=1, help="Texts that may wait; beyond: status 429.")]
Timeout = Annotated[float, typer.Option(min=0.001, help="Seconds to an answer; beyond: 504.")]
ReadTimeout = Annotated[
    float, typer.Option(min=0.1, help="Seconds for headers, and for the body, to arrive.")
]
Connections = Annotated[int, typer.Option(min=1, help="Connections that are open at once.")]
Grace = Annotated[int, typer.Option(min=1, help="Seconds for requests in flight on SIGTERM.")]
LogFile = Annotated[Path | None, typer.Option("--log", help="File of the log; else stderr.")]
LogTexts = Annotated[bool, typer.Option("--log-texts", help="Log the texts of users, too.")]


def serve(
    service: Name = None,
    stage: StageOption = "production",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    allow_host: AllowHost = None,
    token_file: TokenFile = None,
    batch_size: BatchSize = 32,
    max_wait_ms: MaxWait = 5,
    threads: Threads = 0,
    max_body_bytes: BodyBytes = 1_000_000,
    max_texts: Texts = 256,
    max_characters: Characters = 20_000,
    max_queue: Queue = 1024,
    timeout: Timeout = 30,
    read_timeout: ReadTimeout = 10,
    max_connections: Connections = 1000,
    grace: Grace = 30,
    log: LogFile = None,
    log_texts: LogTexts = False,
) -> None:
    """Answer texts over HTTP by the champion of a service.

    Try it in a browser at the printed address, or:
    `curl -H 'Content-Type: application/json' -d '{"text": "lights on"}' http://127.0.0.1:8000/v1/predict`

    Texts of requests that wait at the same time run together. After `plait promote` or `plait
    rollback` the new champion answers within seconds, and no request is lost. SIGTERM and Ctrl+C
    answer what is in flight, then end with status 0. docs/serving.md has endpoints, limits, metrics
    and what to do behind a proxy.
    """
    import os

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # cores that spin answer no one
    from plait.machine import limit_threads
    from plait.machine import threads as usual
    from plait.serving import server
    from plait.serving.limits import Limits

    limits = Limits(
        max_body_bytes, max_texts, max_characters, max_queue, timeout,
        header_seconds=read_timeout, body_seconds=read_timeout, connections=max_connections,
    )  # fmt: skip
    count = threads or usual()
    settings = server.Settings(
        host, port, server.find_token(token_file),
        frozenset(map(str.lower, allow_host or ())), batch_size, max_wait_ms / 1000, count, grace,
        log, log_texts, limits,
    )  # fmt: skip
    with server.bind(host, port, settings.token) as found:
        limit_threads(count)
        loaded, root = _load(service, stage)
        where = server.url(host, found)
        server.serve(loaded, root, found, settings, lambda: _say(loaded, where))


def _say(service: "Service", where: str) -> None:
    champion = service.champion
    who = f"{champion.service}: record {champion.number} ({champion.stage})"
    print(f"{who} answers at {where}", flush=True)


def _load(name: str | None, stage: Stage) -> "tuple[Service, Path | None]":
    """The service, and the project whose registry may name another champion later."""
    from plait.serving.service import Service

    if name is not None and (Path(name) / "record.json").is_file():
        return Service.open(Path(name)), None
    return Service.load(name, Path(), stage), Path()
