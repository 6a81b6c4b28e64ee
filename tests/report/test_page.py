"""The report on real, small candidates: verdicts, tables, records, and a page that stands alone."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import projects
import small
from plait.commands.results import results
from plait.errors import PlaitError
from plait.experiment import loading
from plait.files import read_json, read_jsonl, write_json
from plait.plans.gates import Evidence
from plait.plans.verdict import Contender, choose, judge
from plait.report.confusion import confusion_layout, top_confusions
from plait.report.copies import publish
from plait.report.costs import Cost
from plait.report.pictures import scores_picture
from plait.report.results import Plan, Service, joined_exact_match
from plait.report.tables import markdown, millions, service_table
from plait.scores.intervals import Estimate
from plait.stages.report import main as report_stage
from plait.training.history import write_curves
from reports import PARAMS, Page, page, root

__all__ = ["page", "root"]


def test_exactly_these_files_are_written(root: Path) -> None:
    assert {path.name for path in (root / "report").iterdir()} == {
        "index.html", "report.md", "records.json", "summary.json", "complete.json",
        "scores-assistant.svg", "tradeoff-assistant.svg",
    }  # fmt: skip
    assert read_json(root / "report/complete.json") == {
        "timed": sorted(small.CANDIDATES),
        "stopped": {},
    }


def test_the_page_refers_to_nothing_outside_of_itself(root: Path, page: Page) -> None:
    assert len(page.references) > 10
    assert [r for r in page.references if not r.startswith(("#", "data:"))] == []
    text = (root / "report/index.html").read_text(encoding="utf-8")
    addresses = set(re.findall(r'[\w:]*="?https?://[^"\s>]*', text))
    assert {address.split("=")[0] for address in addresses} <= {"xmlns", "xmlns:xlink"}
    assert not re.search(r"@import|url\((?!#)", text)
    assert str(root) not in text


def test_ids_are_unique_and_links_lead_somewhere(root: Path, page: Page) -> None:
    ids = re.findall(r'\bid="([^"]+)"', (root / "report/index.html").read_text(encoding="utf-8"))
    links = {link[1:] for link in page.references if link.startswith("#")}
    assert links <= set(ids)
    assert sorted(ids) == sorted(set(ids))


def test_pictures_take_the_page_s_colours_for_light_and_dark(root: Path) -> None:
    for picture in (root / "report").glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        assert "var(--accent, #2f6fdb)" in text
        assert set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r"var\([^)]*\)", "", text))) <= {"#ffffff"}
        assert "<metadata" not in text


def test_a_winning_floor_is_said_in_the_first_sentence(root: Path, page: Page) -> None:
    sentence = "No fine-tuned model beats the TF-IDF floor: plan one-per-task (tfidf-intent, "
    text = (root / "report/report.md").read_text(encoding="utf-8")
    assert text.split("\n")[4].startswith(f"**{sentence}")
    assert sentence in page.words
    assert "consolidated: mean" in page.words


def test_plans_stand_side_by_side_with_n_and_interval(root: Path, page: Page) -> None:
    head, *lines = page.tables[0]
    assert [word.split()[0] for word in head] == ["Figure", "n", "consolidated", "one-per-task"]
    table = {line[0]: line[1:] for line in lines}
    accuracy = read_json(root / "predictions/tfidf-intent/details.json")["tasks"]["intent"]
    found = accuracy["metrics"]["accuracy"]
    low, high = (f"{100 * end:.1f}" for end in found["ci95"])
    assert table["intent accuracy, %"][0] == str(found["n"])
    assert table["intent accuracy, %"][2] == f"{100 * found['value']:.1f}{low}, {high}"
    assert set(table) >= {
        "slots span F1, %", "exact match, %", "exact match, leak-free rows, %",
        "latency p50, ms, in sequence", "latency p95, ms, in parallel", "parameters",
    }  # fmt: skip
    assert table["training, s"][1:] == ["12.5", "–"]
    assert "tokens in, mean" not in table  # TF-IDF has no tokenizer


def test_a_plan_costs_what_a_request_costs_and_the_sum_of_its_models(
    root: Path, page: Page
) -> None:
    request = read_json(root / "timings/requests/assistant.json")["plans"]["one-per-task"]
    timings = [read_json(root / f"timings/measured/tfidf-{t}.json") for t in ("intent", "slots")]
    table = {line[0]: line[1:] for line in page.tables[0]}
    for way in ("in sequence", "in parallel"):
        shown = float(table[f"latency p50, ms, {way}"][2])
        assert shown == pytest.approx(request[way]["p50_ms"], rel=0.01)
    assert table["latency p50, ms, in parallel"][1] == "–"  # one model has nothing beside it
    assert table["parameters"][2] == millions(sum(timing["parameters"] for timing in timings))
    size = sum(
        p.stat().st_size
        for t in ("intent", "slots")
        for p in (root / f"models/tfidf-{t}").iterdir()
    )
    assert float(table["on disk, MB"][2]) == pytest.approx(size / 1e6, rel=0.01)


def test_curves_of_a_training_are_drawn(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(root, tmp_path / "project")
    points = [{"step": step, "value": 1 / step} for step in (1, 2, 3)]
    write_curves({"loss": points, "dev": points[:1]}, project / "curves/tfidf-intent")
    monkeypatch.chdir(project)
    report_stage()
    drawn = (project / "report/index.html").read_text(encoding="utf-8")
    assert drawn.count('id="training-tfidf-intent-figure_1"') == 1
    assert Page(drawn).words.count("· training") == 1


def test_the_ratio_of_plans_comes_from_one_process_and_says_so(root: Path, page: Page) -> None:
    found = read_json(root / "timings/requests/assistant.json")
    ratios = {(r["plan"], r["to"], r["to_way"]): r["ratio"] for r in found["ratios"]}
    assert set(ratios) == {
        ("consolidated", "one-per-task", way) for way in ("in sequence", "in parallel")
    }
    ways = found["plans"]["one-per-task"]
    one = found["plans"]["consolidated"]["in sequence"]["p50_ms"]
    expected = one / ways["in sequence"]["p50_ms"]
    ratio = ratios["consolidated", "one-per-task", "in sequence"]
    assert ratio == pytest.approx(expected, rel=0.01)  # the medians have three decimals
    assert found["machine"]["cores"] >= 1
    sentence = f"consolidated answers a request in {ratio:.2f} ["
    assert sentence in page.words
    assert sentence in (root / "report/report.md").read_text(encoding="utf-8")


def test_exact_match_of_several_models_is_joined_row_by_row(root: Path) -> None:
    right = [
        {line["id"]: line["correct"][task] for line in read_jsonl(path)}
        for task in ("intent", "slots")
        for path in [root / f"predictions/tfidf-{task}/home.jsonl"]
    ]
    expected = sum(right[0][row] and right[1][row] for row in right[0]) / len(right[0])
    records = read_json(root / "report/records.json")["records"]
    (joined,) = [
        r for r in records if (r["candidate"], r["rows"]) == ("tfidf-intent,tfidf-slots", "all")
    ]
    assert joined["value"] == pytest.approx(expected, abs=1e-6)
    assert (joined["metric"], joined["task"]) == ("exact_match", "intent+slots")


def test_exact_match_needs_several_tasks_on_the_same_rows() -> None:
    assert joined_exact_match([{"a": True}]) is None
    assert joined_exact_match([{"a": True}, {"b": True}]) is None
    found = joined_exact_match(
        [{"a": True, "b": True, "c": None}, {"b": False, "a": True, "c": True}]
    )
    assert found is not None
    assert (found.value, found.n) == (0.5, 2)


def test_records_say_what_was_measured_on_what_and_how(root: Path) -> None:
    records = read_json(root / "report/records.json")["records"]
    assert {(r["candidate"], r["task"], r["metric"]) for r in records} == {
        ("tfidf-intent", "intent", "accuracy"),
        ("tfidf-intent", "intent", "macro_f1"),
        ("tfidf-slots", "slots", "span_f1"),
        ("tfidf-intent+slots", "intent", "accuracy"),
        ("tfidf-intent+slots", "intent", "macro_f1"),
        ("tfidf-intent+slots", "slots", "span_f1"),
        ("tfidf-intent+slots", "intent+slots", "exact_match"),
        ("tfidf-intent,tfidf-slots", "intent+slots", "exact_match"),
    }
    for record in records:
        assert set(record) == {
            "candidate", "tasks", "task", "metric", "rows", "value", "ci95", "n", "seed", "command",
            "machine",
        }  # fmt: skip
        assert 0 <= record["ci95"][0] <= record["value"] <= record["ci95"][1] <= 1
        count = len(small.rows(3, 4)) - (len(small.LEAKED) if record["rows"] != "all" else 0)
        assert (record["n"], record["seed"]) == (count, 7)
        assert record["command"].startswith("dvc repro benchmark@tfidf-")
        assert "cores" in record["machine"]


def test_data_checks_that_did_not_hold_are_shown_and_escaped(root: Path, page: Page) -> None:
    assert "3 of 60 train rows are <duplicates>." in page.words
    assert "<duplicates>" not in (root / "report/index.html").read_text(encoding="utf-8")
    assert "home, exact_duplicates" in (root / "report/report.md").read_text(encoding="utf-8")


def test_rows_that_validation_dropped_are_counted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Rows that validation dropped" not in (root / "report/report.md").read_text()
    project = shutil.copytree(root, tmp_path / "project")
    quarantine = [
        {"id": f"r{n}", "split": "train", "reasons": [reason]}
        for n, reason in enumerate(["near_in_train", "text_in_train", "label_conflict:intent"])
    ]
    home = {"rows": {"train": 1234, "dev": 5, "heldout": 6}, "quarantine": quarantine}
    path = project / "validation/report.json"
    write_json(path, {**read_json(path), "datasets": {"home": home}})
    monkeypatch.chdir(project)
    report_stage()
    page = Page((project / "report/index.html").read_text(encoding="utf-8"))
    (table,) = [table for table in page.tables if "Rows left" in table[0]]
    assert table[1:] == [["home", "train", "2", "1", "1,234"]]
    assert "## Rows that validation dropped" in (project / "report/report.md").read_text()


def test_written_answers_are_counted_and_so_are_the_invalid(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(root, tmp_path / "project")
    details = project / "predictions/tfidf-intent/details.json"
    write_json(details, {**read_json(details), "remarks": {"answers": 1200, "invalid": 3}})
    monkeypatch.chdir(project)
    report_stage()
    words = Page((project / "report/index.html").read_text(encoding="utf-8")).words
    sentence = "tfidf-intent, written answers: answers 1,200, invalid 3."
    assert sentence in words
    text = (project / "report/report.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "written" in line] == [f"- {sentence}"]


ROWS: Any = {name: {"intent": {}, "slots": {}} for name in small.CANDIDATES}


def test_a_score_that_a_service_is_judged_by_must_be_there() -> None:
    scores = {name: {"intent": {"accuracy": 0.5}} for name in small.CANDIDATES}
    with pytest.raises(PlaitError, match=r"tfidf-intent\+slots.json: no span_f1 of task 'slots'"):
        judge(loading.check(PARAMS, "params.yaml"), "assistant", scores, ROWS, Evidence({}, ()))


def test_a_missing_output_is_named_with_its_remedy(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlaitError, match=r"scores/tfidf-intent.json: no such file.*`dvc repro b"):
        report_stage()


def test_results_are_published_with_the_command_that_makes_them(root: Path, tmp_path: Path) -> None:
    (root / "experiments").mkdir(exist_ok=True)
    publish(root, tmp_path / "v1.2")
    assert {path.name for path in tmp_path.iterdir()} == {"v1.2.json", "v1.2.md"}
    records = read_json(root / "report/records.json")
    assert read_json(tmp_path / "v1.2.json") == records
    shutil.copy(root / "params.yaml", root / "experiments/small.yaml")
    publish(root, tmp_path / "v1.2")
    commands = {r["command"] for r in read_json(tmp_path / "v1.2.json")["records"]}
    assert commands == {"plait run --experiment small"}
    text = (tmp_path / "v1.2.md").read_text(encoding="utf-8")
    assert text.endswith("Made with:\n\n    plait run --experiment small\n")
    assert "exact match, %" in text


def test_results_of_another_state_are_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projects.make(tmp_path / "p", {"train": projects.training("a", 0)})
    monkeypatch.chdir(project)
    with pytest.raises(PlaitError, match=r"^1 stage is not up to date \(train\): .*`plait run`"):
        results(tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_confusions_stay_readable_at_60_classes() -> None:
    labels = [f"class_with_a_name_{i}" for i in range(60)]
    counts = [[100 if i == j else int(j == (i + 1) % 60) for j in range(60)] for i in range(60)]
    drawn = confusion_layout(labels, counts)
    assert len(drawn["cells"]) == 120
    assert drawn["side"] >= 14  # a label of 11 px fits beside each line
    assert drawn["size"] < 1400
    assert {cell["share"] for cell in drawn["cells"]} == {round(100 / 101, 3), round(1 / 101, 3)}


def test_top_confusions_are_the_most_frequent_mistakes() -> None:
    found = top_confusions(["a", "b", "c"], [[5, 2, 0], [7, 1, 1], [0, 0, 9]])
    assert found == [("b", "a", 7), ("a", "b", 2), ("b", "c", 1)]


WAY = {"texts": 9, "p50_ms": 1, "p95_ms": 2, "p99_ms": None, "rows_per_second": 3}
COST = Cost({"in sequence": {**WAY, "joule_per_answer": None}}, 10**7, 8, 5)


def test_many_plans_and_a_missing_exact_match_are_drawn() -> None:
    estimate = Estimate(0.9, (0.88, 0.92), 100)
    names = [f"plan-{i}" for i in range(7)]
    plans = tuple(
        Plan(name, (name,), {("topic", "accuracy"): estimate}, None, {}, COST) for name in names
    )
    contenders = [Contender(name, (name,), {"topic": 0.9}) for name in names]
    service = Service("s", ("topic",), plans, choose("s", contenders), None, {})
    assert scores_picture(service).count("plan-") >= 7
    assert [line.name for line in service_table(service)][:2] == [
        "topic accuracy, %",
        "latency p50, ms, in sequence",
    ]


def test_markdown_tables_are_aligned_and_escape_bars() -> None:
    assert markdown(["a", "long"], [["x|y", "1"]]) == (
        "| a    | long |\n| ---- | ---- |\n| x\\|y | 1    |"
    )
