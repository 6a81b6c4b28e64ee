"""Run checks with great-expectations, and trust it only as far as it can show what it examined.

An expectation that is left out of the outcome, or that holds because it saw no rows, has been
reported as passed before (great-expectations #8548, #2726). Here both are critical failures.
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
class Outcome:
    """What great-expectations says of one check: positions at fault, and how many it examined."""

    success: bool
    examined: int
    at_fault: tuple[int, ...] = ()
    observed: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Result:
    """One check, judged. `rows` holds at most ten ids (or labels) at fault."""

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


def run(checks: Sequence[Check], tables: Tables) -> dict[str, Outcome]:
    """Outcomes by the key of the check; a check that great-expectations loses is missing."""
    batches = _batch_definition()
    outcomes: dict[str, Outcome] = {}
    ordered = sorted(checks, key=lambda check: check.table)
    for name, group in groupby(ordered, key=lambda check: check.table):
        outcomes.update(_run_on_table(batches, name, tables[name], list(group)))
    return outcomes


def judge(
    dataset: str, checks: Iterable[Check], outcomes: Mapping[str, Outcome], tables: Tables
) -> list[Result]:
    """A result for every declared check, whether or not it has an outcome."""
    return [
        _judge(dataset, check, outcomes.get(check.key), tables[check.table]) for check in checks
    ]


def _batch_definition() -> "BatchDefinition[None]":
    """A context in memory that neither phones home nor draws progress bars."""
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
) -> dict[str, Outcome]:
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
        check.key: _outcome(result, len(table))
        for result in found.results
        for check in alike[result.expectation_config.meta["check"]]
    }


def _by_expectation(checks: Sequence[Check]) -> dict[str, list[Check]]:
    """Checks with one expectation, by a key of their own.

    Suites of great-expectations are sets: of two equal expectations one is dropped silently.
    """
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(repr(check.rule.expectation), []).append(check)
    return found


def _outcome(result: Any, rows: int) -> Outcome:
    raised = result.exception_info or {}
    if "raised_exception" not in raised:
        raised = next(iter(raised.values()), {})
    if raised.get("raised_exception"):
        return Outcome(False, 0, error=raised.get("exception_message"))
    found = result.result
    if "observed_value" in found:
        observed = int(found["observed_value"])
        return Outcome(bool(result.success), rows, observed=observed)
    return Outcome(
        bool(result.success),
        found["element_count"] - found.get("missing_count", 0),
        tuple(int(row["row"]) for row in found["unexpected_index_list"] or ()),
    )


def _judge(dataset: str, check: Check, outcome: Outcome | None, table: pd.DataFrame) -> Result:
    if outcome is None:
        return _unproven(dataset, check, "it is declared but missing from the outcome")
    if outcome.error:
        return _unproven(dataset, check, f"it could not be run ({outcome.error})")
    if outcome.observed is None and outcome.examined == 0:
        return _unproven(dataset, check, f"it saw no {check.subject}")
    rows = table.iloc[list(outcome.at_fault)]
    return Result(
        dataset=dataset,
        rule=check.rule.name,
        severity=severity(check),
        passed=outcome.success,
        count=_count(check, outcome),
        examined=outcome.examined,
        rows=tuple(dict.fromkeys(map(_printable, rows["name"])))[:SAMPLES],
        sentence=_sentence(check, outcome, rows),
        split=check.split,
        task=check.task,
    )


def severity(check: Check) -> Severity:
    """How bad it is when the check fails.

    Where a rule's rows are taken out beforehand, those left in train and dev are an error.
    Held-out rows are never taken out: there the same fault is a warning.
    """
    held_out = check.policy == "quarantine" and check.split == "heldout"
    return "warning" if check.policy == "warn" or held_out else "critical"


def _unproven(dataset: str, check: Check, why: str) -> Result:
    rule = check.rule
    sentence = f"The check {rule.name} on {check.subject} proves nothing: {why}."
    return Result(
        dataset, rule.name, "critical", False, 0, 0, (), sentence, check.split, check.task
    )


def _count(check: Check, outcome: Outcome) -> int:
    """Rows at fault; for an expectation of a whole table, how many rows it is short of."""
    if outcome.observed is None:
        return len(outcome.at_fault)
    return max(0, int(check.rule.expectation[1]["min_value"]) - outcome.observed)


def _sentence(check: Check, outcome: Outcome, rows: pd.DataFrame) -> str:
    rule = check.rule
    remedy = "" if outcome.success else f" {rule.remedy}"
    if outcome.observed is not None:
        return rule.fault.format(observed=f"{outcome.observed:,}") + remedy
    of = f"of {outcome.examined:,} {check.subject} {rule.fault}"
    if rows.empty:
        return f"None {of}."
    return f"{len(rows):,} {of}{_share(check, outcome)}{_values(check, rows)}.{remedy}"


def _share(check: Check, outcome: Outcome) -> str:
    allowed = 1 - check.rule.expectation[1].get("mostly", 1)
    if not allowed:
        return ""
    share = len(outcome.at_fault) / outcome.examined
    return f" ({share:.2%}; at most {allowed:.2%} allowed)"


def _values(check: Check, rows: pd.DataFrame) -> str:
    """`: 'a' (3), 'b' (1)`: the most frequent values at fault."""
    if check.rule.values is None:
        return ""
    counts = (
        rows[check.rule.values]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    shown = [f"{_printable(str(v))!r} ({n:,})" for v, n in counts.head(VALUES_SHOWN).items()]
    more = f", {len(counts) - VALUES_SHOWN:,} more" if len(counts) > VALUES_SHOWN else ""
    return f": {', '.join(shown)}{more}"


def _printable(name: Any) -> str:
    """A name that can be written as UTF-8, whatever stood in the source."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")
