"""Format `skops`: a scikit-learn pipeline a task, whose parts are filled in, not fitted."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

from plait.approaches.linear.model import Linear
from plait.approaches.linear.separator import Separator
from plait.errors import PlaitError
from plait.exporting.exported import Comparison, Exported, furthest
from plait.exporting.word_pattern import pattern
from plait.tasks import Task


def write(exported: Exported, folder: Path) -> str:
    """Write a pipeline for each task; return how they are used."""
    if find_spec("skops") is None:
        raise PlaitError("--to skops: skops is not installed. `pip install 'plait[export]'`.")
    from skops import io

    for task in exported.tasks:
        io.dump(_pipeline(_model(exported), task), folder / f"{task.name}.skops")
    return "".join(_usage(task) for task in exported.tasks) + _EQUAL


def _model(exported: Exported) -> Linear:
    return Linear.load(exported.bundle, exported.candidate.tasks)


def _pipeline(model: Linear, task: Task) -> Pipeline:
    separator = model.separators[task.name]
    build = _several if task.kind == "multilabel" else _one
    return Pipeline([("words", _words(separator)), ("labels", build(separator, task))])


def _words(separator: Separator) -> TfidfVectorizer:
    """The features of `plait.approaches.linear.features.word_features`, weighted."""
    found = TfidfVectorizer(
        token_pattern=pattern(),
        ngram_range=(1, 2),
        sublinear_tf=True,
        vocabulary=separator.vocabulary,
    )
    found.idf_ = separator.weights["idf"].astype(np.float64)
    return found


def _scaled(separator: Separator) -> tuple[Any, Any]:
    """Coefficients (classes × features) and intercepts, the temperature folded in."""
    weights = {name: value.astype(np.float64) for name, value in separator.weights.items()}
    offset = weights.get("offset", np.zeros(1))
    scale = weights["temperature"]
    coefficients = (weights["coefficients"] / scale).astype(np.float32)
    return coefficients, weights["intercept"] / scale + offset


def _one(separator: Separator, task: Task) -> LogisticRegression:
    """Its softmax is that of the scores; of two labels it knows the difference alone."""
    coefficients, intercept = _scaled(separator)
    if len(task.labels) == 2:
        coefficients = coefficients[1:] - coefficients[:1]
        intercept = intercept[1:] - intercept[:1]
    return _logistic(np.array(task.labels), coefficients, intercept)


def _several(separator: Separator, _task: Task) -> MultiOutputClassifier:
    """A sigmoid a label, with the label's threshold."""
    coefficients, intercept = _scaled(separator)
    found = MultiOutputClassifier(LogisticRegression())
    found.estimators_ = []
    for place, least in enumerate(separator.weights["thresholds"].tolist()):
        rows = slice(place, place + 1)
        inner = _logistic(np.array([0, 1]), coefficients[rows], intercept[rows])
        held = FixedThresholdClassifier(
            inner, threshold=least, pos_label=1, response_method="predict_proba"
        )
        held.estimator_ = inner
        found.estimators_.append(held)
    found.classes_ = [each.classes_ for each in found.estimators_]
    return found


def _logistic(classes: Any, coefficients: Any, intercept: Any) -> LogisticRegression:
    found = LogisticRegression()
    found.classes_, found.coef_, found.intercept_ = classes, coefficients, intercept
    found.n_features_in_ = coefficients.shape[1]
    return found


def compare(exported: Exported, folder: Path, texts: Sequence[str]) -> Comparison:
    """Load what was written, trusting no type beyond those of skops, and compare answers."""
    from skops import io

    model = _model(exported)
    kept = [text for text in texts if _has_words(text)]
    own = model.predict(kept)
    worst = 0.0
    for task in exported.tasks:
        loaded = io.load(folder / f"{task.name}.skops", trusted=[])
        worst = max(worst, furthest(_answers(loaded, task, kept), own[task.name]))
    return Comparison(len(kept), worst)


def _has_words(text: str) -> bool:
    """Whether the pipeline sees anything of a text."""
    import re

    return re.search(pattern(), text.lower()) is not None


def _answers(loaded: Any, task: Task, texts: Sequence[str]) -> list[Mapping[str, Any]]:
    named, scores = loaded.predict(texts), loaded.predict_proba(texts)
    if task.kind == "multilabel":
        scores = np.stack([each[:, 1] for each in scores], axis=1)
        named = [[n for n, on in zip(task.labels, row, strict=True) if on] for row in named]
    return [
        {
            "label": answer,
            "labels": answer,
            "probabilities": dict(zip(task.labels, row.tolist(), strict=True)),
        }
        for answer, row in zip(named, scores, strict=True)
    ]


def _usage(task: Task) -> str:
    load = f"""## Use: {task.name}

`pip install skops scikit-learn`, then

```python
from skops.io import load

pipeline = load("{task.name}.skops", trusted=[])
"""
    if task.kind == "classification":
        return f"""{load}print(pipeline.predict(["turn on the kitchen lights"]))
print(dict(zip(pipeline.classes_, pipeline.predict_proba(["turn on the kitchen lights"])[0])))
```

"""
    return f"""{load}labels = {list(task.labels)!r}
(marks,) = pipeline.predict(["turn on the kitchen lights"])
print([label for label, applies in zip(labels, marks) if applies])
print([float(rows[0, 1]) for rows in pipeline.predict_proba(["turn on the kitchen lights"])])
```

"""


_EQUAL = """## What is equal

Labels, and the probability of each, are plait's, within 1e-4, for every text with a word of two
letters or more, or a character of a script without spaces. For a text without any (one letter,
signs or emoji alone) plait looks at its signs; the pipeline sees nothing, and answers as for an
empty text.
"""
