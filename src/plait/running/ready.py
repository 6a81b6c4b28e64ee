"""Which stages may run now, by DVC's edges and the resources of the machine."""

from plait import machine
from plait.running.graph import Graph, Outcome, Stage

INCOMPLETE = "Incomplete"
"""The name of a failed run's state that left something out, but has results."""


class Walk:
    """The state of one walk over a graph.

    Stages run side by side as long as cores are free; one stage at a time uses the GPU, if there is
    one; a stage with `alone` runs while no other runs. A stage that needs no run starts at once. A
    failed stage blocks the stages downstream of it and no others. The graph's `always` stages must
    have run before the walk.

    Args:
        cores, gpu: the machine's resources; None looks them up.
    """

    def __init__(
        self,
        graph: Graph,
        force: bool = False,
        cores: int | None = None,
        gpu: bool | None = None,
    ) -> None:
        self.graph = graph
        self.force = force
        self.cores = cores or machine.cores()
        self.gpu = machine.has_gpu() if gpu is None else gpu
        self.outcomes: dict[str, Outcome] = dict.fromkeys(graph.always, Outcome.UNCHANGED)
        self.failures: dict[str, str] = {}
        self.running: set[str] = set()
        self._waiting = [address for address in graph.stages if address not in graph.always]

    def start(self) -> list[str]:
        """The stages to start now, in order; they count as running until `finish` or `fail`."""
        ready = [address for address in self._waiting if self._is_ready(address)]
        ready.sort(key=lambda address: self.graph.stages[address].alone)
        started = []
        for address in ready:
            if not self.needs_run(address) or self._fits(self.graph.stages[address]):
                self.running.add(address)
                self._waiting.remove(address)
                started.append(address)
        return started

    def finish(self, address: str, outcome: Outcome) -> None:
        self.running.remove(address)
        self.outcomes[address] = outcome

    def fail(self, address: str, reason: str) -> None:
        self.running.remove(address)
        self.failures[address] = reason

    def needs_run(self, address: str) -> bool:
        """Whether DVC must run the stage; all its upstream stages must have finished."""
        upstream = self.graph.stages[address].upstream
        unchanged = all(self.outcomes[each] is Outcome.UNCHANGED for each in upstream)
        return self.force or address in self.graph.changed or not unchanged

    @property
    def blocked(self) -> list[str]:
        """The stages that have not started; after the walk, those downstream of a failure."""
        return list(self._waiting)

    @property
    def may_act(self) -> bool:
        """Whether no stage failed but those whose failure only says that something was left out."""
        return all(self.graph.stages[address].outcome for address in self.failures)

    def _is_ready(self, address: str) -> bool:
        return all(each in self.outcomes for each in self.graph.stages[address].upstream)

    def _fits(self, stage: Stage) -> bool:
        beside = [self.graph.stages[each] for each in self.running if self.needs_run(each)]
        if stage.alone or any(each.alone for each in beside):
            return not beside
        if self.gpu and stage.gpu and any(each.gpu for each in beside):
            return False
        busy = sum(each.cores or self.cores for each in beside)
        return not beside or busy + (stage.cores or self.cores) <= self.cores
