"""Every rule of the data checks, and what happens when it does not hold unless params.yaml says.

`error` stops everything downstream; `warn` is shown and the run goes on; `quarantine` takes the
rows at fault out of train and dev before anything reads them, and keeps them in a file of their
own. Light to import: params.yaml is checked against it.
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
    "label_unseen": "warn",
    "label_conflict": "warn",
    "label_conflict_near": "warn",
    "span_outside": "error",
    "span_overlap": "error",
    "span_cuts_word": "warn",
}
"""Rules that point at rows: any policy can be set for them."""

WHOLE_RULES: Mapping[str, Policy] = {
    "rows": "error",
    "id_across_splits": "error",
    "text_in_train_share": "error",
    "text_in_dev_share": "error",
    "label_unseen_share": "error",
    "label_count": "error",
    "label_support": "warn",
    "label_balance": "warn",
    "label_drift": "warn",
    "length_drift": "warn",
}
"""Rules about splits, labels or shares: `error` or `warn`; there is no row to take out."""

RULES: Mapping[str, Policy] = {**ROW_RULES, **WHOLE_RULES}
OPTIONAL = frozenset({"text_in_heldout"})
"""Rules that are checked only where params.yaml names them."""
