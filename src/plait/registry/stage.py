"""Stages: each service has a pointer, its champion, for each of them."""

from typing import Literal

Stage = Literal["production", "staging"]
STAGES: tuple[Stage, ...] = ("production", "staging")
