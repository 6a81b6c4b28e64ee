"""What the server counts, in the form of Prometheus."""

from collections.abc import Iterable
from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from plait.serving.service import Reply, Service
from plait.tasks import LabelPrediction, Prediction, SetPrediction

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters of one server; a second one in the same process has its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._traffic()
        self._work()
        self._champion()
        self._label = lru_cache(maxsize=None)(self.labels.labels)

    def _traffic(self) -> None:
        self.requests = Counter(
            "plait_requests",
            "Requests by path and status.",
            ["path", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "plait_request_seconds",
            "Seconds from a request's headers to its answer, of POST /v1/predict.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.errors = Counter(
            "plait_errors",
            "Requests that were refused or failed, by type.",
            ["type"],
            registry=self.registry,
        )
        self.connections = Gauge(
            "plait_connections", "Connections that are open.", registry=self.registry
        )

    def _work(self) -> None:
        self.batches = Histogram(
            "plait_batch_texts", "Texts that ran together.", buckets=SIZES, registry=self.registry
        )
        self.batch_seconds = Histogram(
            "plait_batch_seconds",
            "Seconds that a batch took.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.queue = Gauge(
            "plait_queue_texts", "Texts that wait to be answered.", registry=self.registry
        )
        self.labels = Counter(
            "plait_labels",
            "Labels answered; of a tagging, spans.",
            ["task", "label"],
            registry=self.registry,
        )

    def _champion(self) -> None:
        self.record = Gauge(
            "plait_record",
            "Number of the record whose plan answers.",
            ["service", "stage"],
            registry=self.registry,
        )
        self.refused = Gauge(
            "plait_refused_record",
            "Number of a record that the registry names and that can't be loaded; 0: none.",
            registry=self.registry,
        )
        self.swaps = Counter(
            "plait_swaps",
            "Champions that were loaded beside the one before, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("swapped", "refused"):
            self.swaps.labels(outcome)

    def serves(self, service: Service) -> None:
        """Note who answers from now on."""
        champion = service.champion
        self.record.labels(champion.service, champion.stage).set(champion.number)

    def answered(self, replies: Iterable[Reply]) -> None:
        """Count the labels of replies."""
        for reply in replies:
            for task, answer in reply.answers.items():
                for label in _labels(answer):
                    self._label(task, label).inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


def _labels(answer: Prediction) -> Iterable[str]:
    if isinstance(answer, LabelPrediction):
        return (answer.label,)
    if isinstance(answer, SetPrediction):
        return answer.labels
    return [span.label for span in answer]
