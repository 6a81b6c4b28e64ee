"""Small texts with several labels or none, and one label that depends on them."""

from itertools import combinations

from plait.tasks import Row, Task

WORDS = {
    "food": ("soup", "bread", "lunch"),
    "music": ("song", "guitar", "choir"),
    "travel": ("train", "harbour", "ticket"),
}
LABELS = tuple(WORDS)
SETS = [names for size in range(4) for names in combinations(LABELS, size)]
TOPICS = Task("topics", "posts", "multilabel", "topics", LABELS, "micro_f1")
COUNT = Task("count", "posts", "classification", "count", ("few", "many"), "accuracy")


def rows(count: int, offset: int = 0) -> list[Row]:
    """A text names a thing of each of its topics."""
    found = []
    for index in range(offset, offset + count):
        topics = SETS[index % len(SETS)]
        things = [WORDS[topic][(index + place) % 3] for place, topic in enumerate(topics)]
        text = f"today {' and '.join(things) or 'nothing'} it was, day {'abcdefg'[index % 7]}"
        labels = {"topics": topics, "count": "many" if len(topics) > 1 else "few"}
        found.append(Row(f"p{index}", text, labels))
    return found
