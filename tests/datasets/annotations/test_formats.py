"""What each tool writes, by hand: detection, labels, spans, joins, and one error for a fault."""

import json
from pathlib import Path
from typing import Any

import pytest

from plait.datasets.annotations import formats
from plait.datasets.annotations.reader import Annotations
from plait.datasets.annotations.tokens import join, spans
from plait.datasets.formats.opening import RawFile
from plait.errors import PlaitError
from plait.tasks import Span

HASHES = {"_input_hash": 1, "_task_hash": 2}
TASK = {"id": 7, "predictions": [], "data": {"text": "I am in Rome"}}
REGION = {"start": 8, "end": 12, "text": "Rome", "labels": ["city"]}


def detected(path: Path) -> str | None:
    return formats.detect(RawFile(path, path))


def task(*annotations: object, **more: object) -> dict[str, Any]:
    return {**TASK, "annotations": annotations, **more}


def annotation(*results: tuple[str, str, object], **more: object) -> dict[str, Any]:
    return {
        "was_cancelled": False,
        "result": [{"from_name": n, "type": t, "value": value} for n, t, value in results],
        **more,
    }


def mood(choice: str, **more: object) -> dict[str, Any]:
    return annotation(("mood", "choices", {"choices": [choice]}), **more)


def write(folder: Path, content: object) -> Path:
    """A list as JSONL, a tuple as an array, text as it is."""
    path = folder / "export.json"
    if isinstance(content, list):
        path.write_text("".join(json.dumps(each) + "\n" for each in content), encoding="utf-8")
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, content: object, **settings: object) -> list[Any]:
    """Text and labels of each row."""
    path = write(folder, content)
    files = [{"path": path.name, "split": "heldout"}]
    reader = Annotations.model_validate({"files": files, **settings})
    return [(row.text, *row.labels.values()) for _, row in reader.read(folder, 0)]


CONLL_2003 = "-DOCSTART- -X- O O\n\nRome NNP I-NP B-LOC\nis VBZ O O\n\nUS NNP I-NP B-ORG\n"


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ([{"id": 1, "text": "hi", "label": ["a"]}], "doccano"),
        ([{"id": 1, "text": "hi", "meta": {}, "labels": [[0, 2, "X"]]}], "doccano"),
        ([{"id": 1, "text": "hi", "label": []}, {"text": "ho", "label": [[0, 2, "X"]]}], "doccano"),
        ([{"text": "hi", "entities": [[0, 2, "X"]]}], "spacy"),
        (([["hi", {"entities": []}]]), None),
        ((["hi", {"entities": [[0, 2, "X"]]}],), "spacy"),
        ([{"text": "hi", "cats": {"A": 1, "B": 0}}], "spacy"),
        ([{"text": "hi", "label": "A", "answer": "accept", **HASHES}], "prodigy"),
        ((task(mood("good")),), "label_studio"),
        (({"text": "hi", "mood": "good", "annotator": 1, "lead_time": 1.0},), "label_studio_min"),
        (({"id": "1", "fields": {"text": "hi"}, "responses": {}, "suggestions": {}},), "argilla"),
        ([{"text": "hi", "mood.suggestion": "good"}], "argilla"),
        ([{"tokens": ["a", "b"], "ner_tags": [0, 1]}], "hugging_face"),
        (CONLL_2003, "conll"),
        ("Rome\tB-LOC\nis\tO\n", "conll"),
        ("#vote O\nnow O\n\n# id 12 x\nRome B-LOC\n", "conll"),
        ("__label__a hi\n__label__b __label__c ho\n", "fasttext"),
        ([{"text": "hi", "label": "a"}], None),
        ("text,label\nhi,a\nho,b\n", None),
        ("it is I\nnow\n", None),
        ("", None),
    ],
)
def test_the_content_says_the_format(tmp_path: Path, content: object, format: str | None) -> None:
    if format is None and isinstance(content, list) and isinstance(content[0], list):
        with pytest.raises(PlaitError, match="expected an object"):
            detected(write(tmp_path, content))
    else:
        assert detected(write(tmp_path, content)) == format


LABEL = {"labels": {"topic": "label"}}


@pytest.mark.parametrize(
    ("content", "settings", "rows"),
    [
        ([{"text": "hi", "label": ["a"]}, {"text": "ho", "label": []}], LABEL, ["a", None]),
        ([{"data": "hi", "label": ["a"]}], LABEL, ["a"]),
        (
            [
                {"text": "hi", "label": "a", "answer": "accept", **HASHES},
                {"text": "hi", "label": "b", "answer": "reject", **HASHES},
                {"text": "ho", "label": "b", "answer": "ignore", **HASHES},
            ],
            LABEL,
            ["a", None, None],
        ),
        ([{"text": "hi", "cats": {"a": 0.2, "b": 0.9}}], {"labels": {"topic": "cats"}}, ["b"]),
        ("__label__a hi\n\nho __label__b\nhum\n", LABEL, ["a", "b", None]),
        (
            [{"tokens": ["a", "b"], "ner_tags": [0, 0], "label": 1}],
            {**LABEL, "names": {"label": ["no", "yes"]}},
            ["yes"],
        ),
        (
            ({"text": "hi", "mood": {"choices": ["a"]}, "annotator": 1, "annotation_id": 1},),
            {"labels": {"topic": "mood"}},
            ["a"],
        ),
    ],
)
def test_labels(tmp_path: Path, content: object, settings: dict[str, Any], rows: list[Any]) -> None:
    assert [label for _, label in read(tmp_path, content, **settings)] == rows


MOOD = {"labels": {"mood": "mood"}}


@pytest.mark.parametrize(
    ("annotations", "settings", "mood_of_row"),
    [
        ([mood("good"), mood("good")], {}, "good"),
        ([mood("good"), mood("bad", was_cancelled=True)], {}, "good"),
        ([mood("good"), mood("bad", ground_truth=True)], {}, "bad"),
        ([mood("good"), mood("bad"), mood("bad")], {"disagreement": "majority"}, "bad"),
        ([mood("good"), mood("bad")], {"disagreement": "majority"}, None),
        ([mood("good"), mood("bad"), mood("bad")], {"disagreement": "drop"}, None),
        ([], {}, None),
        ([], {"suggestions": True}, "guessed"),
        ([mood("good")], {"suggestions": True}, "good"),
    ],
)
def test_annotators(
    tmp_path: Path, annotations: list[Any], settings: dict[str, Any], mood_of_row: str | None
) -> None:
    guess = [{"model_version": "m", **mood("guessed")}]
    content = (task(*annotations, predictions=guess), task(mood("good")))
    assert read(tmp_path, content, **MOOD, **settings)[0][1] == mood_of_row


def test_annotators_of_argilla_and_json_min(tmp_path: Path) -> None:
    drafts = [{"value": "bad", "status": "draft"}, {"value": "good", "status": "submitted"}]
    record = {"fields": {"text": "hi"}, "responses": {"mood": drafts}}
    assert read(tmp_path, (record,), **MOOD) == [("hi", "good")]
    flat = {
        "text": "hi",
        "mood.responses": ["bad", "good"],
        "mood.responses.status": ["discarded", "submitted"],
    }
    assert read(tmp_path, [flat], **MOOD) == [("hi", "good")]
    twice = [
        {"id": 1, "text": "hi", "mood": each, "annotator": n, "annotation_id": n}
        for n, each in enumerate(("good", "bad", "bad"))
    ]
    found = read(tmp_path, tuple(twice), **MOOD, disagreement="majority")
    assert found == [("hi", "bad")], "the annotations of a task are one row"


def test_an_annotation_without_regions_has_no_spans_and_no_annotation_no_answer(
    tmp_path: Path,
) -> None:
    marked = annotation(("slots", "labels", REGION))
    content = (task(marked), task(annotation()), task())
    found = [slots for _, slots in read(tmp_path, content, spans={"slots": "slots"})]
    assert found == [(Span(8, 12, "city"),), (), None]


SPANS = {"spans": {"slots": "label"}}
SLOTS = {"spans": {"slots": "slots"}}


@pytest.mark.parametrize(
    ("content", "settings", "parts"),
    [
        (
            [{"text": "hi", "label": ["a", "b"]}],
            LABEL,
            ["line 1: label: found", '["a", "b"], expected one label', "Remove all labels but one"],
        ),
        (
            [{"text": "hi", "label": []}, {"text": "hi", "label": [[0, "2", "X"], 5]}],
            SPANS,
            ["line 2: label[1]: found 5, expected [start, end, type]", "Export the file again"],
        ),
        (
            [{"text": "hi", "label": [[0, 9, "X"]]}],
            SPANS,
            ["line 1", "[0, 9, 'X']", "ends after the text of 2 characters"],
        ),
        (
            [{"text": "hi", "label": ["a"]}],
            {"labels": {"topic": "lable"}},
            ["no record has lable", "the records have text, label", "Correct the names"],
        ),
        (
            [{"text": "hi", "label": "a"}],
            LABEL,
            ["found none of label_studio,", "`reader: table`"],
        ),
        (
            (task(annotation(("slots", "labels", {**REGION, "end": 13}))),),
            SLOTS,
            [
                "record 1: annotations[0].result[0].value: found [8, 13,",
                'place of "Rome"',
                "Correct",
            ],
        ),
        (
            (task(annotation(("slots", "labels", {**REGION, "start": "/div[1]/text()[1]"}))),),
            SLOTS,
            ["value.start: found", "/div[1]", "expected a whole number", "annotate the plain text"],
        ),
        (
            (task(mood("good"), mood("bad")),),
            MOOD,
            ["record 1: mood: found", "expected one answer", "`disagreement: majority`"],
        ),
        ((task(mood("good")), 5), MOOD, ["record 2: found 5, expected an object"]),
        (
            [{"tokens": ["a", "b"], "ner_tags": [0, 1]}],
            {"spans": {"slots": "ner_tags"}},
            ["ner_tags[0]: found 0, expected one of the 0 numbers", "`names: {ner_tags: [O, …]}`"],
        ),
        (
            [{"tokens": ["a", "b"], "ner_tags": ["O"]}, {"tokens": ["a"], "ner_tags": ["O"]}],
            {"spans": {"slots": "ner_tags"}, "format": "hugging_face"},
            ["line 1: ner_tags: found 1, expected 2 tags, one for each token"],
        ),
        (
            ({"fields": {"text": "hi"}, "responses": {}, "metadata": True},),
            {**MOOD, "format": "argilla"},
            ["record 1: metadata: found true, expected an object"],
        ),
        (
            [{"text": "hi", "mood.responses": 1}],
            {**MOOD, "format": "argilla"},
            ["line 1: mood.responses: found 1, expected a list"],
        ),
        (
            (task(mood("good"), predictions={}), task(None)),
            MOOD,
            ["record 2: annotations[0]: found null, expected an object"],
        ),
        (
            "Rome B-LOC\nis O\n\nParis\n\nOslo B-LOC\n",
            {"spans": {"slots": "tags"}},
            ['line 4: found "Paris", expected 2 columns', "an empty line ends a sentence"],
        ),
    ],
)
def test_wrong_content_gets_one_error(
    tmp_path: Path, content: object, settings: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(PlaitError) as caught:
        read(tmp_path, content, **settings)
    assert "export.json" in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["the", "kettle", "."], "the kettle ."),
        (["打", "开", "厨房", "的", "灯", "。"], "打开厨房的灯。"),
        (["我", "用", "Steve", "Jobs", "的", "iPhone", "15"], "我用Steve Jobs的iPhone 15"),
        (["2", "0", "0", "8", "年", "上", "海", "市"], "2008年上海市"),
        (["เปิด", "ไฟ", "ห้องครัว"], "เปิดไฟห้องครัว"),
        (["キッチン", "の", "電気"], "キッチンの電気"),
        (["주방", "불을", "켜줘"], "주방 불을 켜줘"),
        (["주", "방", " ", "불"], "주방 불"),
        (["the", "city", "of", "北京", "is", "large"], "the city of 北京 is large"),
        (["!", "?"], "! ?"),
        ([], ""),
    ],
)
def test_tokens_are_joined_as_their_script_is_written(tokens: list[str], text: str) -> None:
    found, places = join(tokens, "auto")
    assert found == text
    assert [found[slice(*place)] for place in places] == tokens


def test_what_the_format_says_about_spaces_counts(tmp_path: Path) -> None:
    record = {"tokens": ["don", "'t", "go"], "whitespace": [False, True, False], "tags": ["O"] * 3}
    settings = {"spans": {"slots": "tags"}}
    assert read(tmp_path, [record], **settings) == [("don't go", ())]
    assert join(["a", "b"], "none")[0] == "ab"
    assert join(["我", "用"], "space")[0] == "我 用"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-x I-x O B-x", [[0, 2, "x"], [3, 4, "x"]]),
        ("I-x I-x B-x I-y", [[0, 2, "x"], [2, 3, "x"], [3, 4, "y"]]),
        ("S-x B-x I-x E-x", [[0, 1, "x"], [1, 4, "x"]]),
        ("U-x B-x L-x I-x", [[0, 1, "x"], [1, 3, "x"], [3, 4, "x"]]),
        ("x x O y-z", [[0, 2, "x"], [3, 4, "y-z"]]),
        ("O O O O", []),
    ],
)
def test_schemes_of_tags(tags: str, found: list[list[Any]]) -> None:
    assert spans(tags.split(), [(n, n + 1) for n in range(4)], "tags") == found


def test_conll_2003_has_documents_and_four_columns(tmp_path: Path) -> None:
    settings = {"spans": {"chunks": "3", "names": "tags"}}
    assert read(tmp_path, CONLL_2003, **settings) == [
        ("Rome is", (Span(0, 4, "NP"),), (Span(0, 4, "LOC"),)),
        ("US", (Span(0, 2, "NP"),), (Span(0, 2, "ORG"),)),
    ]


def test_numbered_tokens_and_comments(tmp_path: Path) -> None:
    """GermEval's columns: number, token, tag, and a nested tag."""
    content = "#\thttp://example.org\t[2009]\n1\tRom\tB-LOC\tO\n2\tist\tO\tO\n\n1\tOslo\tB-LOC\tO\n"
    assert detected(write(tmp_path, content)) == "conll"
    found = read(tmp_path, content, spans={"names": "3"})
    assert found == [("Rom ist", (Span(0, 3, "LOC"),)), ("Oslo", (Span(0, 4, "LOC"),))]


def test_offsets_of_old_label_studio_count_utf16_units(tmp_path: Path) -> None:
    """One region that fits only so decides for all, also for those that fit both."""
    both = {"start": 2, "end": 3, "text": "a", "labels": ["x"]}
    only = {"start": 5, "end": 9, "text": "Rome", "labels": ["city"]}
    content = tuple(
        {**TASK, "data": {"text": text}, "annotations": [annotation(("slots", "labels", region))]}
        for text, region in (("🙂aa", both), ("🙂 a Rome", {**only, "start": 5}))
    )
    first, second = read(tmp_path, content, **SLOTS)
    assert first == ("🙂aa", (Span(1, 2, "x"),))
    assert second == ("🙂 a Rome", (Span(4, 8, "city"),))


def test_parquet_of_hugging_face_names_its_classes(tmp_path: Path) -> None:
    """Written by `datasets` itself, with its features."""
    from datasets import ClassLabel, Dataset, Features, Value
    from datasets import List as Listed

    tags = ClassLabel(names=["O", "B-city", "I-city"])
    values = {"tokens": [["New", "York"], ["hi"]], "ner_tags": [[1, 2], [0]], "label": [1, 0]}
    kinds = {"tokens": Listed(Value("string")), "ner_tags": Listed(tags)}
    features = Features({**kinds, "label": ClassLabel(names=["no", "yes"])})
    Dataset.from_dict(values, features=features).to_parquet(str(tmp_path / "train.parquet"))
    files = [{"path": "train.parquet", "split": "heldout"}]
    settings = {"files": files, "spans": {"slots": "ner_tags"}, "labels": {"topic": "label"}}
    reader = Annotations.model_validate(settings)
    assert [(row.text, dict(row.labels)) for _, row in reader.read(tmp_path, 0)] == [
        ("New York", {"topic": "yes", "slots": (Span(0, 8, "city"),)}),
        ("hi", {"topic": "no", "slots": ()}),
    ]
    (tmp_path / "train.parquet").write_bytes((tmp_path / "train.parquet").read_bytes()[:-9])
    with pytest.raises(PlaitError, match=r"train\.parquet: not readable as Parquet"):
        list(reader.read(tmp_path, 0))
