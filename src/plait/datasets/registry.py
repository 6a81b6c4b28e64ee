"""The readers there are: one line each."""

from plait.datasets import home_assistant, massive, reuters, table, twenty_newsgroups
from plait.datasets.base import Reader

READERS: dict[str, type[Reader]] = {
    "home_assistant": home_assistant.HomeAssistant,
    "massive": massive.Massive,
    "reuters": reuters.Reuters,
    "table": table.Table,
    "twenty_newsgroups": twenty_newsgroups.TwentyNewsgroups,
}
