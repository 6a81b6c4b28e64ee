"""Texts that wait at the same time run together, by length, and no request holds up the others."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from http_load import closed, request
from plait.errors import PlaitError
from plait.serving.batching import Ask, Batcher, size
from plait.serving.failures import Refusal
from plait.serving.limits import Limits
from plait.serving.log import Log
from plait.serving.metrics import Metrics
from plait.serving.service import Reply, Service
from serving import TEXT, serving

T = TypeVar("T")


class Slow(Service):
    """A service that takes its time for a batch, and can't answer one text."""

    asked: list[list[str]]
    seconds = 0.05

    def answer(self, texts: list[str], batch_size: int = 32) -> list[Reply]:  # type: ignore[override]
        time.sleep(self.seconds)
        self.asked.append(list(texts))
        if "poison" in texts:
            raise ValueError("secret text")
        if "huge" in texts:
            raise PlaitError("memory ran out in answering")
        return super().answer(texts, batch_size)


@pytest.fixture
def slow(project: Path) -> Slow:
    loaded = Service.load("assistant", project)
    made = Slow(loaded.champion, loaded.models)
    made.asked = []
    return made


def batching(
    work: Callable[[Batcher], Awaitable[T]], most: int = 8, wait: float = 0.02
) -> tuple[T, Batcher]:
    """The result of some work with a batcher that runs."""

    async def main() -> tuple[T, Batcher]:
        batcher = Batcher(most, wait, 1, Limits(), Metrics(), Log())
        task = asyncio.create_task(batcher.run())
        try:
            return await work(batcher), batcher
        finally:
            task.cancel()

    return asyncio.run(main())


def test_requests_that_wait_at_the_same_time_run_together(project: Path) -> None:
    """Over HTTP: after the first few, batches hold about as many texts as there are clients."""
    with serving(project, slow=0.02) as running:
        questions = [request(f"{TEXT} {number}") for number in range(50)]
        asked = closed(running.url, questions, 16, lambda number, _: number < 320)
        load = asyncio.run(asked)
        batches = running.metric("plait_batch_texts_count")
        assert load.failed == 0
        assert running.metric("plait_batch_texts_sum") == 320
    assert 320 / batches > 4  # the clients fall into two groups at least


def test_an_idle_server_answers_at_once(slow: Slow) -> None:
    slow.seconds = 0.0

    async def one_after_the_other(batcher: Batcher) -> float:
        await batcher.answer(slow, [TEXT])
        began = time.monotonic()
        for _ in range(5):
            await batcher.answer(slow, [TEXT])
        return time.monotonic() - began

    seconds, _ = batching(one_after_the_other, wait=1.0)
    assert seconds < 1.0
    assert slow.asked == [[TEXT]] * 6


def test_after_a_batch_of_several_the_next_waits_for_as_many(slow: Slow) -> None:
    async def rounds(batcher: Batcher) -> None:
        async def client(number: int) -> None:
            for turn in range(3):
                await batcher.answer(slow, [f"turn {turn} {number}"])
                await asyncio.sleep(0.01 * number)

        await asyncio.gather(*(client(number) for number in range(4)))

    batching(rounds, wait=0.5)
    assert [len(texts) for texts in slow.asked] == [4, 4, 4]


def test_the_wait_for_more_ends(slow: Slow) -> None:
    async def two_then_one(batcher: Batcher) -> float:
        await asyncio.gather(*(batcher.answer(slow, [TEXT]) for _ in range(2)))
        began = time.monotonic()
        await batcher.answer(slow, [TEXT])
        return time.monotonic() - began

    seconds, _ = batching(two_then_one, wait=0.1)
    assert 0.1 < seconds < 0.6


def test_replies_are_those_of_the_texts(slow: Slow) -> None:
    texts = [f"turn on the radio in the attic {'please ' * number}" for number in range(30)]

    async def ask(batcher: Batcher) -> list[Ask]:
        parts = (texts[:17], texts[17:18], texts[18:])
        return list(await asyncio.gather(*(batcher.answer(slow, part) for part in parts)))

    asks, _ = batching(ask)
    found = [reply for each in asks for reply in each.future.result()]
    assert found == Service.answer(slow, texts)
    assert all(len({size(text) for text in batch}) == 1 for batch in slow.asked)
    assert all(len(batch) <= 8 for batch in slow.asked)


def test_a_request_with_many_texts_holds_up_no_other(slow: Slow) -> None:
    async def ask(batcher: Batcher) -> None:
        many = asyncio.create_task(batcher.answer(slow, [f"many {n}" for n in range(80)]))
        await asyncio.sleep(0.01)
        await asyncio.gather(*(batcher.answer(slow, [f"one {n}"]) for n in range(3)))
        assert len(slow.asked) <= 3
        assert not many.done()
        await many

    batching(ask)
    assert len(slow.asked[1]) == 8
    assert {"one 0", "one 1", "one 2"} <= set(slow.asked[1])


def test_long_texts_wait_for_no_turn_of_short_ones(slow: Slow) -> None:
    """Each class of length gets its turn, however many texts of another one wait."""

    async def ask(batcher: Batcher) -> int:
        short = [asyncio.create_task(batcher.answer(slow, [f"short {n}"])) for n in range(60)]
        await asyncio.sleep(0)
        long = asyncio.create_task(batcher.answer(slow, ["long " * 400]))
        await long
        done = len(slow.asked)
        await asyncio.gather(*short)
        return done

    done, _ = batching(ask)
    assert done <= 61 // 8 + 2
    assert [f"{'long ' * 400}"] in slow.asked


def test_long_texts_run_in_small_batches(slow: Slow) -> None:
    async def ask(batcher: Batcher) -> None:
        await batcher.answer(slow, [f"{number} {'word ' * 300}" for number in range(5)])

    batching(ask)
    assert [len(texts) for texts in slow.asked] == [2, 2, 1]


@pytest.mark.parametrize(
    ("text", "status", "kind"), [("poison", 500, "internal"), ("huge", 503, "out_of_memory")]
)
def test_a_text_that_can_t_be_answered_spoils_no_other(
    slow: Slow, text: str, status: int, kind: str
) -> None:
    async def ask(batcher: Batcher) -> list[object]:
        asks = (batcher.answer(slow, [each]) for each in ("a", text, "b"))
        found = await asyncio.gather(*asks, return_exceptions=True)
        batcher.log._lines.rotate()
        assert "secret" not in str(batcher.log._lines)
        return list(found)

    (first, refused, last), _ = batching(ask)
    assert isinstance(first, Ask)
    assert isinstance(last, Ask)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.kind) == (status, kind)


def test_a_client_that_gives_up_frees_its_place(slow: Slow) -> None:
    async def ask(batcher: Batcher) -> float:
        gone = asyncio.create_task(batcher.answer(slow, [f"gone {n}" for n in range(40)]))
        await asyncio.sleep(0.02)
        gone.cancel()
        await asyncio.sleep(0)
        return batcher._waiting

    waiting, _ = batching(ask)
    assert waiting == 0


def test_classes_of_length_double() -> None:
    lengths = {1: 0, 64: 0, 65: 1, 128: 1, 129: 2, 256: 2, 20_000: 9}
    assert {length: size("a" * length) for length in lengths} == lengths


def test_a_long_text_needn_t_wait_for_all_texts_of_another_request(slow: Slow) -> None:
    async def ask(batcher: Batcher) -> int:
        many = asyncio.create_task(batcher.answer(slow, [f"many {n}" for n in range(80)]))
        await asyncio.sleep(0.01)
        await batcher.answer(slow, ["long " * 400])
        done = len(slow.asked)
        await many
        return done

    done, _ = batching(ask)
    assert done <= 3


def test_texts_of_two_champions_never_run_together(slow: Slow) -> None:
    other = Slow(slow.champion, slow.models)
    other.asked = []

    async def ask(batcher: Batcher) -> None:
        asks = [(slow, f"old {n}") if n % 2 else (other, f"new {n}") for n in range(20)]
        await asyncio.gather(*(batcher.answer(service, [text]) for service, text in asks))

    batching(ask)
    assert {text[:3] for texts in slow.asked for text in texts} == {"old"}
    assert {text[:3] for texts in other.asked for text in texts} == {"new"}
