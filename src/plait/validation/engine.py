"""Run checks with great-expectations, and accept a pass only if it says how many rows it examined.

great-expectations has reported success although it dropped an expectation or examined no rows
(its issues #8548 and #2726). Here both are critical failures.

It takes a few hundred bytes for each value that it examines. So it gets the rows of a large table
in parts, and the observations of the parts are summed: a check counts only if every part has one.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plait.validation.checks import Check
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition

Severity = Literal["critical", "warning"]
SAMPLES = 10
VALUES_SHOWN = 5
_ROWS = 1 << 17
"""Rows of a part of a table."""
_POSITION = "position in the table"
_WHOLE = {"expect_table_row_count_to_be_between", "expect_column_values_to_be_unique"}
"""Expectations about all rows together: they get the table whole."""


@dataclass(frozen=True)
class Observation:
    """The result of great-expectations for one check.

    Attributes:
        examined: rows examined.
        faulty: positions of the faulty rows in the table.
        observed: the row count of the table, for an expectation about a whole table.
        error: the message of an exception.
    """

    success: bool
    examined: int
    faulty: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
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
    return [_judge(dataset, check, observations.get(check.key), tables) for check in checks]


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
    whole = [check for check in checks if check.rule.expectation[0] in _WHOLE]
    by_rows = [check for check in checks if check.rule.expectation[0] not in _WHOLE]
    found = _run_on_part(batches, name, table, whole)
    parts = [
        _run_on_part(batches, name, table.iloc[start : start + _ROWS], by_rows, start)
        for start in range(0, max(1, len(table)), _ROWS)
    ]
    for check in by_rows:
        of_parts = [part[check.key] for part in parts if check.key in part]
        if len(of_parts) == len(parts):
            found[check.key] = _summed(check, of_parts)
    return found


def _summed(check: Check, parts: Sequence[Observation]) -> Observation:
    """The observation of the parts of a table, taken together."""
    raised = next((part for part in parts if part.error), None)
    if raised or len(parts) == 1:
        return raised or parts[0]
    examined = sum(part.examined for part in parts)
    faulty = np.concatenate([part.faulty for part in parts])
    least = check.rule.expectation[1].get("mostly", 1)
    passed = examined == 0 or (examined - len(faulty)) / examined >= least
    return Observation(passed, examined, faulty)


def _run_on_part(
    batches: "BatchDefinition[None]",
    name: str,
    rows: pd.DataFrame,
    checks: Sequence[Check],
    start: int = 0,
) -> dict[str, Observation]:
    """Observations of the rows of a table from `start` on."""
    from great_expectations.core import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    if not checks:
        return {}
    suite = ExpectationSuite(name=name)
    alike = _by_expectation(checks)
    for key, (check, *_) in alike.items():
        kind, arguments = check.rule.expectation
        expected = ExpectationConfiguration(type=kind, kwargs=dict(arguments), meta={"check": key})
        # `add_expectation_configuration` would replace one of the same type on the same column.
        suite.add_expectation(expected.to_domain_obj())
    batch = batches.get_batch({"dataframe": _examined(rows, checks, start)})
    found = batch.validate(
        suite,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [_POSITION],
            "return_unexpected_index_query": False,
        },
    )
    return {
        check.key: _observation(result, len(rows))
        for result in found.results
        for check in alike[result.expectation_config.meta["check"]]
    }


def _examined(rows: pd.DataFrame, checks: Sequence[Check], start: int) -> pd.DataFrame:
    """The columns that the checks are about, and the rows' positions in their table."""
    named = {check.rule.expectation[1].get("column") for check in checks}
    kept = rows[[column for column in rows if column in named]]
    return kept.assign(**{_POSITION: np.arange(start, start + len(rows))})


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
    if found["element_count"] != rows:
        return Observation(False, 0, error=f"it read {found['element_count']} of {rows} rows")
    faulty = [row[_POSITION] for row in found["unexpected_index_list"] or ()]
    examined = found["element_count"] - found.get("missing_count", 0)
    return Observation(bool(result.success), examined, np.array(faulty, np.int64))


def _judge(dataset: str, check: Check, observation: Observation | None, tables: Tables) -> Result:
    if observation is None:
        return _unproven(dataset, check, "great-expectations returned no result for it")
    if observation.error:
        return _unproven(dataset, check, f"it raised an error ({observation.error})")
    if observation.observed is None and observation.examined == 0:
        return _unproven(dataset, check, f"there are no {check.subject} to examine")
    rows = _faulty(check, observation, tables[check.table])
    return Result(
        dataset=dataset,
        rule=check.rule.name,
        severity=severity(check),
        passed=observation.success,
        count=_count(check, observation),
        examined=observation.examined,
        rows=_sample(rows, tables),
        sentence=_sentence(check, observation, rows),
        split=check.split,
        task=check.task,
    )


def _faulty(check: Check, observation: Observation, table: pd.DataFrame) -> pd.DataFrame:
    """The faulty rows, with the columns that their result shows."""
    if not len(observation.faulty):
        return pd.DataFrame()
    shown = {"row", "name", check.rule.values, check.rule.told}
    return table[[column for column in table if column in shown]].iloc[observation.faulty]


def _sample(rows: pd.DataFrame, tables: Tables) -> tuple[str, ...]:
    """The first distinct names of faulty rows. A label or span has the name of its row."""
    if rows.empty:
        return ()
    if "row" in rows:
        rows = rows.drop_duplicates("row").head(SAMPLES)
    return tuple(dict.fromkeys(map(_printable, tables.names_of(rows))))[:SAMPLES]


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
        .astype(object)
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
