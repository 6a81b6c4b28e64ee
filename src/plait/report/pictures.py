"""Pictures as SVG whose colours are the page's, so that they follow light and dark."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from plait.report.results import Service
from plait.report.tables import estimates

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

    def draw(axes: Axes) -> None:
        for index, plan in enumerate(service.plans):
            mean = 100 * service.verdict.means[plan.name]
            colour, marker = PLANS[index % 5], MARKERS[index % 5]
            axes.plot(plan.cost.p50_ms, mean, marker, color=colour, markersize=8)
            above_or_below = (0, -15 if index % 2 else 8)
            at = (plan.cost.p50_ms, mean)
            axes.annotate(plan.name, at, above_or_below, textcoords="offset points", ha="center")
        latencies = [plan.cost.p50_ms for plan in service.plans]
        axes.set_xscale("log")
        # Wide enough for one of the ticks 1, 2, 5, 10, … and for the names at the sides.
        axes.set_xlim(min(latencies) / 2, max(latencies) * 2)
        axes.margins(y=0.25)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("latency p50 at batch 1, ms (log)")
        axes.set_ylabel("mean headline metric, percent")

    return _svg(draw, 3.6, f"tradeoff-{service.name}")


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
