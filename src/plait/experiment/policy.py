"""The rules of validation and their default policies.

A broken rule with the policy `error` stops the candidates that use the dataset; with `warn` they go
on; `quarantine` moves the faulty rows of train and dev into a separate file before any other stage
reads them. Imports little, because checking params.yaml needs it.
"""

from collections.abc import Mapping
from typing import Literal

Policy = Literal["error", "warn", "quarantine"]

ROW_RULES: Mapping[str, Policy] = {
    "schema": "error",
    "id_null": "error",
    "id_duplicate": "error",
    "text_null": "error",
    "text_empty": "error",
    "text_nul": "error",
    "text_long": "error",
    "text_control": "warn",
    "text_replacement": "warn",
    "text_mojibake": "warn",
    "text_placeholder": "warn",
    "text_boilerplate": "warn",
    "text_script": "warn",
    "text_unlike": "warn",
    "text_duplicate": "warn",
    "text_near_duplicate": "warn",
    "text_in_train": "warn",
    "text_in_dev": "warn",
    "near_in_train": "warn",
    "near_in_dev": "warn",
    "text_in_heldout": "quarantine",
    "text_elsewhere": "warn",
    "label_null": "warn",
    "label_unknown": "error",
    "label_placeholder": "warn",
    "label_unseen": "warn",
    "label_conflict": "warn",
    "label_conflict_near": "warn",
    "span_outside": "error",
    "span_overlap": "error",
    "span_blank": "error",
    "span_cuts_word": "warn",
}
"""Rules about single rows: they can have any policy."""

AGGREGATE_RULES: Mapping[str, Policy] = {
    "rows": "error",
    "id_across_splits": "error",
    "text_in_train_share": "error",
    "text_in_dev_share": "error",
    "label_unseen_share": "error",
    "label_rows": "error",
    "label_count": "error",
    "label_alike": "error",
    "label_support": "warn",
    "label_balance": "warn",
    "span_offsets": "error",
    "label_drift": "warn",
    "length_drift": "warn",
}
"""Rules about splits, labels or shares: `error` or `warn`, since no single row is faulty."""

RULES: Mapping[str, Policy] = {**ROW_RULES, **AGGREGATE_RULES}
OPTIONAL = frozenset({"text_in_heldout"})
"""Rules that are checked only if params.yaml names them."""
