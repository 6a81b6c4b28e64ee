"""Pictures as SVG whose colours are the page's, so that they follow light and dark."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from plait.report.results import Service
from plait.report.tables import estimates
from plait.training.history import Curves

# matplotlib draws with stand-ins; each becomes the page's variable, with its light value for
# pictures that are opened by themselves.
COLOURS = {
    "ink": ("#010101", "#1c2330"),
    "muted": ("#020202", "#5b6575"),
    "line": ("#030303", "#dfe3ea"),
    "accent": ("#040404", "#2f6fdb"),
    "second": ("#050505", "#d9822b"),
    "good": ("#060606", "#1a7f45"),
    "bad": ("#070707", "#b3261e"),
    "warn": ("#080808", "#8a5a00"),
}
PLANS = [COLOURS[name][0] for name in ("accent", "second", "good", "bad", "warn")]
MARKERS = "osD^v"
INK, MUTED, LINE = (COLOURS[name][0] for name in ("ink", "muted", "line"))
WIDTH = 4.8
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "plait",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
}


def scores_picture(service: Service) -> str:
    """Every quality figure of every plan with its 95 % interval."""
    figures = list(estimates(service))
    height = 1.1 + len(figures) * (0.18 * len(service.plans) + 0.22)

    def draw(axes: Axes) -> None:
        for place, (_, found) in enumerate(figures):
            for index, estimate in enumerate(found):
                if estimate is not None:
                    _interval(axes, estimate, place + _offset(index, len(found)), index)
        for index, plan in enumerate(service.plans):
            axes.plot([], [], MARKERS[index % 5], color=PLANS[index % 5], label=plan.name)
        axes.set_yticks(range(len(figures)), [name for name, _ in figures])
        axes.set_ylim(len(figures) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("percent, with 95 % interval")
        axes.figure.legend(loc="outside upper center", ncols=3, frameon=False)

    return _svg(draw, height, f"scores-{service.name}")


def _interval(axes: Axes, estimate: Any, y: float, index: int) -> None:
    low, high = estimate.ci95
    axes.plot([100 * low, 100 * high], [y, y], color=PLANS[index % 5], linewidth=2)
    axes.plot(100 * estimate.value, y, MARKERS[index % 5], color=PLANS[index % 5], markersize=6)


def _offset(index: int, count: int) -> float:
    return 0.6 * ((index + 0.5) / count - 0.5)


def tradeoff_picture(service: Service) -> str:
    """Mean headline metric against latency: up and to the left is better."""
    places = [(p.cost.p50_ms, 100 * service.verdict.means[p.name]) for p in service.plans]

    def draw(axes: Axes) -> None:
        front = pareto(places)
        axes.plot(*zip(*front, strict=True), color=MUTED, linewidth=1, linestyle="--", zorder=1)
        for index, (plan, at) in enumerate(zip(service.plans, places, strict=True)):
            axes.plot(*at, MARKERS[index % 5], color=PLANS[index % 5], markersize=8)
            above_or_below = (0, -15 if index % 2 else 8)
            axes.annotate(plan.name, at, above_or_below, textcoords="offset points", ha="center")
        latencies = [latency for latency, _ in places]
        axes.set_xscale("log")
        # Wide enough for one of the ticks 1, 2, 5, 10, … and for the names at the sides.
        axes.set_xlim(min(latencies) / 2, max(latencies) * 2)
        axes.margins(y=0.25)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("latency p50 of a request, ms (log)")
        axes.set_ylabel("mean headline metric, percent")

    return _svg(draw, 3.6, f"tradeoff-{service.name}")


def pareto(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (latency, quality) that no other is both faster and better than, by latency."""
    front: list[tuple[float, float]] = []
    for latency, quality in sorted(places, key=lambda place: (place[0], -place[1])):
        if not front or quality > front[-1][1]:
            front.append((latency, quality))
    return front


def reliability_picture(calibration: Mapping[str, Any], name: str) -> str:
    """Share that is right against probability: calibrated answers lie on the diagonal."""
    bins = calibration["bins"]

    def draw(axes: Axes) -> None:
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=1, linestyle="--")
        for found in bins:
            low, high = 100 * found["low"], 100 * found["high"]
            axes.bar(
                (low + high) / 2,
                100 * found["accuracy"],
                width=high - low,
                color=PLANS[0],
                alpha=0.25 + 0.75 * found["n"] / max(each["n"] for each in bins),
                edgecolor=INK,
                linewidth=0.5,
            )
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_xlabel("probability of the answer, percent")
        axes.set_ylabel("right, percent")

    return _svg(draw, 3.2, name)


def curves_picture(curves: Curves, name: str) -> str:
    """Loss and dev score of a training by step, of each task where there are several."""
    losses = _shown(curves, "loss")
    scores = _shown(curves, "dev")

    def draw(axes: Axes) -> None:
        for index, (label, points) in enumerate(losses.items()):
            axes.plot(*_places(points), color=PLANS[index % 5], linewidth=1, label=label)
        right = axes.twinx()
        for index, (label, points) in enumerate(scores.items()):
            marked = f"{MARKERS[index % 5]}--"
            right.plot(*_places(points, 100), marked, color=PLANS[index % 5], label=label)
        axes.set_ylim(bottom=0)
        right.spines["right"].set_visible(True)
        right.grid(visible=False)
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats")
        right.set_ylabel("dev score, percent")
        axes.figure.legend(loc="outside upper center", ncols=3, frameon=False)

    return _svg(draw, 3.2, f"training-{name.replace('+', '_')}")


def _shown(curves: Curves, kind: str) -> Curves:
    """The curves of the tasks, or the only one."""
    found = {name: points for name, points in curves.items() if name.startswith(f"{kind}-")}
    return found or {kind: curves[kind]}


def _places(points: Sequence[Mapping[str, float]], times: float = 1) -> list[list[float]]:
    """Of the points, x and y."""
    return [[p["step"] for p in points], [times * p["value"] for p in points]]


def _svg(draw: Callable[[Axes], None], height: float, name: str) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _for_pages(out.getvalue(), name)


def _for_pages(svg: str, name: str) -> str:
    """Without prologue and metadata, ids unique on the page, colours by variable."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    for variable, (stand_in, light) in COLOURS.items():
        svg = svg.replace(stand_in, f"var(--{variable}, {light})")
    return svg
