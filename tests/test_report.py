"""The report on real, small candidates: verdicts, tables, records, and a page that stands alone."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

import production
import projects
import small
from plait import durations, experiment, looks
from plait.bundle import load
from plait.commands.results import publish, results
from plait.errors import PlaitError
from plait.experiment import Experiment
from plait.files import read_json, read_jsonl, write_json
from plait.intervals import Estimate
from plait.latency import bytes_on_disk, measure, tokens_in
from plait.plans import Contender, choose, judge
from plait.report import Measured, collect
from plait.report.comparisons import compare_all
from plait.report.confusion import confusion_layout, top_confusions
from plait.report.costs import Cost
from plait.report.paper import paper_table
from plait.report.pictures import pareto, scores_picture
from plait.report.results import Plan, Service, joined_exact_match
from plait.report.tables import markdown, millions, service_table
from plait.requests import time_plans
from plait.stages.report import main as report_stage

ASSISTANT = {**production.PARAMS["services"]["assistant"], "floor": "one-per-task"}
PARAMS: dict[str, Any] = {**production.PARAMS, "services": {"assistant": ASSISTANT}}
CHECKS = [
    {"dataset": "home", "rule": "exact_duplicates", "severity": "warning", "passed": False,
     "count": 3, "sentence": "3 of 60 train rows are <duplicates>."},
    {"dataset": "home", "rule": "empty_text", "severity": "critical", "passed": True, "count": 0},
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose report stage has run on three trained candidates."""
    folder = tmp_path_factory.mktemp("project")
    production.measure(folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    write_json(folder / "validation/report.json", {"results": CHECKS})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        time_everything()
        durations.record(durations.LEDGER, "train@tfidf-intent+slots", 12.5)
        report_stage()
    return folder


def time_everything() -> None:
    """What the timing and request stages write, measured in less time."""
    texts = [row.text for row in small.rows(1, 4)]
    models = {}
    for name in small.CANDIDATES:
        folder = Path("models", name)
        _, models[name] = load(folder)
        timing = {
            **measure(models[name], {"home": texts}, 0.1),
            "bytes": bytes_on_disk(folder),
            "tokens_in": {"home": tokens_in(folder, texts, 32)},
        }
        write_json(Path("timings/measured", f"{name}.json"), timing)
    plans = {
        plan: [models[name] for name in names]
        for plan, names in PARAMS["services"]["assistant"]["plans"].items()
    }
    write_json(Path("timings/requests/assistant.json"), time_plans(plans, texts, 0.5))


class Page(HTMLParser):
    """What a page refers to, its words, and its tables as lists of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
        self.references += [value or "" for name, value in attrs if name in wanted]
        if tag not in {"meta", "link", "br", "rect", "path", "use"}:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.words += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def page(root: Path) -> Page:
    return Page((root / "report/index.html").read_text(encoding="utf-8"))


def test_exactly_these_files_are_written(root: Path) -> None:
    assert {path.name for path in (root / "report").iterdir()} == {
        "index.html", "report.md", "records.json", "complete.json",
        "scores-assistant.svg", "tradeoff-assistant.svg",
    }  # fmt: skip
    assert read_json(root / "report/complete.json") == {"timed": sorted(small.CANDIDATES)}


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


def test_the_ratio_of_plans_comes_from_one_process_and_says_so(root: Path, page: Page) -> None:
    found = read_json(root / "timings/requests/assistant.json")
    ratios = {(r["plan"], r["to"], r["to_way"]): r["ratio"] for r in found["ratios"]}
    assert set(ratios) == {
        ("consolidated", "one-per-task", way) for way in ("in sequence", "in parallel")
    }
    ways = found["plans"]["one-per-task"]
    one = found["plans"]["consolidated"]["in sequence"]["p50_ms"]
    expected = one / ways["in sequence"]["p50_ms"]
    assert ratios["consolidated", "one-per-task", "in sequence"] == pytest.approx(
        expected, abs=1e-3
    )
    assert found["machine"]["cores"] >= 1
    sentence = f"consolidated answers a request in {expected:.2f} ["
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


ROWS: Any = {name: {"intent": {}, "slots": {}} for name in small.CANDIDATES}


def test_a_score_that_a_service_is_judged_by_must_be_there() -> None:
    scores = {name: {"intent": {"accuracy": 0.5}} for name in small.CANDIDATES}
    with pytest.raises(PlaitError, match=r"tfidf-intent\+slots.json: no span_f1 of task 'slots'"):
        judge(experiment.check(PARAMS, "params.yaml"), "assistant", scores, ROWS)


def measured(root: Path, name: str) -> Measured:
    return Measured(
        read_json(root / f"scores/{name}.json"),
        read_json(root / f"predictions/{name}/details.json"),
        {"home": list(read_jsonl(root / f"predictions/{name}/home.jsonl"))},
        read_json(root / f"predictions/{name}/mistakes.json"),
        read_json(root / f"timings/measured/{name}.json"),
    )


def test_without_a_floor_the_plan_of_fewer_models_wins_at_equal_scores(root: Path) -> None:
    settings = {**PARAMS, "services": {"assistant": {**ASSISTANT, "floor": None}}}
    found: Experiment = experiment.check(settings, "params.yaml")
    every = {name: measured(root, name) for name in small.CANDIDATES}
    requests = {"assistant": read_json(root / "timings/requests/assistant.json")}
    verdict = collect(found, every, requests).services[0].verdict
    assert verdict.winner == "consolidated"
    assert verdict.sentence.startswith("Plan consolidated (tfidf-intent+slots) wins: mean ")
    assert {(t.task, t.outcome) for t in verdict.comparisons} == {
        ("intent", "non-inferior"),  # TF-IDF shares nothing between tasks: the same answers
        ("slots", "non-inferior"),
    }


def test_several_tasks_are_compared_with_each_alone_and_corrected(root: Path) -> None:
    rows = {name: measured(root, name).outcomes() for name in small.CANDIDATES}
    found = compare_all(experiment.check(PARAMS, "params.yaml"), rows)
    assert [(line.first, line.second, line.task) for line in found.transfer] == [
        ("tfidf-intent+slots", "tfidf-intent", "intent"),
        ("tfidf-intent+slots", "tfidf-slots", "slots"),
    ]
    assert len(found.pairs) == 2
    assert all(line.difference.value == 0 and line.p_holm == 1 for line in found.pairs)
    assert found.seeds == ()


def test_candidates_that_differ_in_their_seed_alone_give_mean_and_spread(root: Path) -> None:
    candidates = {
        f"{name}-{seed}": {**PARAMS["candidates"][name], "seed": seed}
        for name in small.CANDIDATES
        for seed in (1, 2)
    }
    settings = {**PARAMS, "candidates": candidates, "services": {}}
    rows = {name: measured(root, name[:-2]).outcomes() for name in candidates}
    found = compare_all(experiment.check(settings, "params.yaml"), rows)
    scores, advantages = found.seeds[:4], found.seeds[4:]
    assert [(line.task, line.seeds) for line in scores] == [
        ("intent", (1, 2)), ("slots", (1, 2)), ("intent", (1, 2)), ("slots", (1, 2)),
    ]  # fmt: skip
    value = read_json(root / "scores/tfidf-intent.json")["intent"]["accuracy"]
    assert scores[0].spread.mean == pytest.approx(value, abs=1e-6)
    assert (scores[0].spread.sd, scores[0].rows is not None) == (0, True)
    assert [line.spread.mean for line in advantages] == [0, 0]
    # Each seed of several tasks stands against the same seed of one.
    assert len(found.transfer) == 4


def test_the_paper_s_cells_are_reported_ours_measured_or_not_comparable() -> None:
    tasks = {
        "topic": {"dataset": "posts", "kind": "classification", "field": "group"},
        "intent": {"dataset": "massive", "kind": "classification", "field": "intent"},
        "home": {"dataset": "home", "kind": "classification", "field": "intent"},
    }
    candidates = {t: {"backbone": "tfidf", "approach": "linear", "tasks": [t]} for t in tasks}
    settings: dict[str, Any] = {**PARAMS, "tasks": tasks, "candidates": candidates, "services": {}}
    posts: dict[str, Any] = {"reader": "twenty_newsgroups", "variant": "raw"}
    scores = {task: {task: {"accuracy": 0.5}} for task in tasks}

    def lines(**more: Any) -> dict[str, list[str]]:
        datasets = {
            "posts": {**posts, **more},
            "massive": {"reader": "massive"},
            "home": {"reader": "home_assistant"},
        }
        found = experiment.check({**settings, "datasets": datasets}, "params.yaml")
        return {
            line.model: [cell.provenance for cell in line.cells]
            for line in paper_table(found, scores)
        }

    assert set(lines()) == {"Llama3-70B, fully fine-tuned", "topic", "intent"}
    assert lines()["Llama3-70B, fully fine-tuned"] == ["reported (arXiv 2412.08587)"] * 4
    assert lines()["topic"] == ["measured here", "", "", ""]
    assert lines()["intent"][2] == "not comparable: MASSIVE (SLURP/HWU reconstruction)"
    other = lines(variant="cachopo", limit={"heldout": 1000})["topic"][0]
    assert other == "not comparable: variant cachopo, 1,000 heldout rows"


def test_the_front_joins_what_none_beats_in_both() -> None:
    assert pareto([(3, 9), (1, 5), (2, 4), (4, 8)]) == [(1, 5), (3, 9)]


def test_slices_calibration_tests_of_behaviour_and_mistakes_are_shown(
    root: Path, page: Page
) -> None:
    (mistake, *_) = read_json(root / "predictions/tfidf-intent/mistakes.json")["intent"]
    assert mistake["text"] in page.words
    for word in ("leak-free", "invariance: typo", "Expected calibration error", "directional: "):
        assert word in page.words
    text = (root / "report/index.html").read_text(encoding="utf-8")
    assert text.count("Right against probability") == 4  # a picture a candidate and task


def test_looks_at_held_out_rows_are_counted_by_model_since_they_were_pinned(
    root: Path, page: Page
) -> None:
    # intent and slots: by the candidate of both tasks, and each by one of its own
    assert "since they were pinned: intent 2, slots 2." in page.words
    ledger = root / looks.LEDGER
    pin = read_json(root / "predictions/tfidf-intent/details.json")["heldout"]
    assert looks.count(ledger, pin) == {"intent": 2}
    assert looks.count(ledger, {"intent": "rows of a new pin"}) == {"intent": 0}
    assert looks.count(root / "none.jsonl", pin) == {"intent": 0}


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
    with pytest.raises(PlaitError, match=r"stages that changed since the last run \(train\)"):
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
