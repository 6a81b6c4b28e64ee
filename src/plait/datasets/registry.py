"""All readers, by their name in params.yaml."""

from plait.datasets import home_assistant, massive, reuters, table, twenty_newsgroups
from plait.datasets.annotations.reader import Annotations
from plait.datasets.base import Reader

READERS: dict[str, type[Reader]] = {
    "annotations": Annotations,
    "home_assistant": home_assistant.HomeAssistant,
    "massive": massive.Massive,
    "reuters": reuters.Reuters,
    "table": table.Table,
    "twenty_newsgroups": twenty_newsgroups.TwentyNewsgroups,
}
