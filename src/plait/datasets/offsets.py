"""What the offsets of a span count: characters, or the units of the tool that wrote them."""

from typing import Literal, NamedTuple

from plait.segmentation import Place, words

Unit = Literal["characters", "utf16", "bytes", "inclusive"]
_ENCODINGS = {"utf16": "utf-16-le", "bytes": "utf-8"}
_SIZES = {"utf16": 2, "bytes": 1}


class Reading(NamedTuple):
    """A way to read offsets.

    Attributes:
        unit: `characters`, without the end; `utf16` units (JavaScript, Java, .NET) or `bytes` of
            UTF-8, without the end; `inclusive`: characters, and the end is the last one.
        first: the number of the first character, 0 or 1.
    """

    unit: Unit = "characters"
    first: int = 0

    @property
    def setting(self) -> str:
        """As params.yaml says it."""
        unit = f"offsets: {self.unit}"
        return f"{unit}, offsets_from: {self.first}" if self.first else unit

    def place(self, text: str, start: int, end: int) -> Place | None:
        """The offsets as characters from 0, without the end.

        None if a character has no such `utf16` or `bytes` offset: inside it, or outside the text.
        """
        start, end = start - self.first, end - self.first
        if self.unit not in _ENCODINGS:
            return start, end + (self.unit == "inclusive")
        if text.isascii():
            return start, end
        places = _characters(text, self.unit)
        return (places[start], places[end]) if start in places and end in places else None


CHARACTERS = Reading()
READINGS = (
    CHARACTERS,
    Reading("utf16"),
    Reading("bytes"),
    Reading("inclusive"),
    Reading("characters", 1),
    Reading("inclusive", 1),
    Reading("utf16", 1),
    Reading("bytes", 1),
)
"""The likelier ones first."""


def _characters(text: str, unit: str) -> dict[int, int]:
    """Offset in the unit → character, with the end of the text."""
    encoding, size = _ENCODINGS[unit], _SIZES[unit]
    places, reached = {0: 0}, 0
    for number, character in enumerate(text, 1):
        reached += len(character.encode(encoding, "surrogatepass")) // size
        places[reached] = number
    return places


class Edges(NamedTuple):
    """Where the words of a text begin and end."""

    starts: frozenset[int]
    ends: frozenset[int]

    @classmethod
    def of(cls, text: str) -> "Edges":
        """Those of a text."""
        places = words(text)
        return cls(frozenset(start for start, _ in places), frozenset(end for _, end in places))

    def fit(self, place: Place | None) -> bool:
        """Whether a place begins and ends where words do."""
        return (
            place is not None
            and place[0] < place[1]
            and place[0] in self.starts
            and place[1] in self.ends
        )


def fitting(text: str, spans: list[Place]) -> list[Reading]:
    """The readings by which every span begins and ends where a word does."""
    edges = Edges.of(text)
    return [
        reading
        for reading in READINGS
        if all(edges.fit(reading.place(text, *span)) for span in spans)
    ]
