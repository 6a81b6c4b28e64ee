"""Run checks with great-expectations, and accept a pass only if it says how many rows it examined.

great-expectations has reported success although it dropped an expectation or examined no rows
(its issues #8548 and #2726). Here both are critical failures.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from plait.validation.checks import Check
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition

Severity = Literal["critical", "warning"]
SAMPLES = 10
VALUES_SHOWN = 5


@dataclass(frozen=True)
class Observation:
    """The result of great-expectations for one check.

    Attributes:
        examined: rows examined.
        faulty: positions of the faulty rows.
        observed: the row count of the table, for an expectation about a whole table.
        error: the message of an exception.
    """

    success: bool
    examined: int
    faulty: tuple[int, ...] = ()
    observed: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Result:
    """The result of one check. `rows` holds the ids (or labels) of at most ten faulty rows."""

    dataset: str
    rule: str
    severity: Severity
    passed: bool
    count: int
    examined: int
    rows: tuple[str, ...]
    sentence: str
    split: str | None = None
    task: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As report.json holds it."""
        return {**asdict(self), "rows": list(self.rows)}


def run_checks(checks: Sequence[Check], tables: Tables) -> dict[str, Observation]:
    """Observations by the key of the check; one that great-expectations drops is missing."""
    batches = _batch_definition()
    observations: dict[str, Observation] = {}
    ordered = sorted(checks, key=lambda check: check.table)
    for name, group in groupby(ordered, key=lambda check: check.table):
        observations.update(_run_on_table(batches, name, tables[name], list(group)))
    return observations


def judge(
    dataset: str, checks: Iterable[Check], observations: Mapping[str, Observation], tables: Tables
) -> list[Result]:
    """A result for every declared check, with or without an observation."""
    return [
        _judge(dataset, check, observations.get(check.key), tables[check.table]) for check in checks
    ]


def _batch_definition() -> "BatchDefinition[None]":
    """A context in memory, without telemetry and progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(project_config=settings, mode="ephemeral")
    asset = context.data_sources.add_pandas("prepared").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("whole")


def _run_on_table(
    batches: "BatchDefinition[None]", name: str, table: pd.DataFrame, checks: Sequence[Check]
) -> dict[str, Observation]:
    from great_expectations.core import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = ExpectationSuite(name=name)
    alike = _by_expectation(checks)
    for key, (check, *_) in alike.items():
        kind, arguments = check.rule.expectation
        expected = ExpectationConfiguration(type=kind, kwargs=dict(arguments), meta={"check": key})
        # `add_expectation_configuration` would replace one of the same type on the same column.
        suite.add_expectation(expected.to_domain_obj())
    numbered = table.assign(row=range(len(table)))
    batch = batches.get_batch({"dataframe": numbered})
    found = batch.validate(
        suite,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["row"],
            "return_unexpected_index_query": False,
        },
    )
    return {
        check.key: _observation(result, len(table))
        for result in found.results
        for check in alike[result.expectation_config.meta["check"]]
    }


def _by_expectation(checks: Sequence[Check]) -> dict[str, list[Check]]:
    """Checks grouped by their expectation.

    A great-expectations suite is a set: it silently drops one of two equal expectations.
    """
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(repr(check.rule.expectation), []).append(check)
    return found


def _observation(result: Any, rows: int) -> Observation:
    raised = result.exception_info or {}
    if "raised_exception" not in raised:
        raised = next(iter(raised.values()), {})
    if raised.get("raised_exception"):
        return Observation(False, 0, error=raised.get("exception_message"))
    found = result.result
    if "observed_value" in found:
        observed = int(found["observed_value"])
        return Observation(bool(result.success), rows, observed=observed)
    return Observation(
        bool(result.success),
        found["element_count"] - found.get("missing_count", 0),
        tuple(int(row["row"]) for row in found["unexpected_index_list"] or ()),
    )


def _judge(
    dataset: str, check: Check, observation: Observation | None, table: pd.DataFrame
) -> Result:
    if observation is None:
        return _unproven(dataset, check, "great-expectations returned no result for it")
    if observation.error:
        return _unproven(dataset, check, f"it raised an error ({observation.error})")
    if observation.observed is None and observation.examined == 0:
        return _unproven(dataset, check, f"there are no {check.subject} to examine")
    rows = table.iloc[list(observation.faulty)]
    return Result(
        dataset=dataset,
        rule=check.rule.name,
        severity=severity(check),
        passed=observation.success,
        count=_count(check, observation),
        examined=observation.examined,
        rows=tuple(dict.fromkeys(map(_printable, rows["name"])))[:SAMPLES],
        sentence=_sentence(check, observation, rows),
        split=check.split,
        task=check.task,
    )


def severity(check: Check) -> Severity:
    """The severity of a failure of the check.

    A rule with the policy `quarantine` has no faulty rows left in train and dev: one that is left
    is critical. Held-out rows are never quarantined: a faulty one is a warning.
    """
    held_out = check.policy == "quarantine" and check.split == "heldout"
    return "warning" if check.policy == "warn" or held_out else "critical"


def _unproven(dataset: str, check: Check, why: str) -> Result:
    rule = check.rule
    sentence = f"The check {rule.name} on {check.subject} proves nothing: {why}."
    return Result(
        dataset, rule.name, "critical", False, 0, 0, (), sentence, check.split, check.task
    )


def _count(check: Check, observation: Observation) -> int:
    """Faulty rows; for an expectation about a whole table, the number of missing rows."""
    if observation.observed is None:
        return len(observation.faulty)
    return max(0, int(check.rule.expectation[1]["min_value"]) - observation.observed)


def _sentence(check: Check, observation: Observation, rows: pd.DataFrame) -> str:
    rule = check.rule
    remedy = "" if observation.success else f" {rule.remedy}"
    if observation.observed is not None:
        return rule.fault.format(observed=f"{observation.observed:,}") + remedy
    of = f"of {observation.examined:,} {check.subject} {rule.fault}"
    if rows.empty:
        return f"None {of}."
    return f"{len(rows):,} {of}{_share(check, observation)}{_values(check, rows)}.{remedy}"


def _share(check: Check, observation: Observation) -> str:
    allowed = 1 - check.rule.expectation[1].get("mostly", 1)
    if not allowed:
        return ""
    share = len(observation.faulty) / observation.examined
    return f" ({share:.2%}; at most {allowed:.2%} allowed)"


def _values(check: Check, rows: pd.DataFrame) -> str:
    """`: 'a' (3), 'b' (1)`: the most frequent faulty values."""
    if check.rule.told is not None:
        return f": {_listed([_printable(each) for each in rows[check.rule.told]])}"
    if check.rule.values is None:
        return ""
    counts = (
        rows[check.rule.values]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    return f": {_listed([f'{_printable(str(v))!r} ({n:,})' for v, n in counts.items()])}"


def _listed(values: Sequence[str]) -> str:
    more = f", {len(values) - VALUES_SHOWN:,} more" if len(values) > VALUES_SHOWN else ""
    return f"{', '.join(values[:VALUES_SHOWN])}{more}"


def _printable(name: Any) -> str:
    """The name with lone surrogates escaped, so that UTF-8 can encode it."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")
