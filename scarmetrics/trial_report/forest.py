"""The forest plot: every estimate of the treatment's effect on one outcome, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scarmetrics.trial_report.numbers import decimals_of, interval_text
from scarmetrics.trial_report.style import ACTIVE, INK, MUTED, RULE, SENSITIVITY, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_IN = 0.27


@dataclass(frozen=True)
class Row:
    """One line of the plot; a heading has no estimate."""

    label: str
    patients: int | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    colour: str = INK
    strong: bool = False


def forest(data: Mapping[str, Any], outcome: str) -> Figure | None:
    """Draw the forest plot of an outcome.

    Parameters
    ----------
    data : mapping
        ``analysis`` of analysis.json.
    outcome : str
        Such as ``change_mm2``.

    Returns
    -------
    matplotlib.figure.Figure or None
        None without any estimate.
    """
    rows = forest_rows(data, outcome)
    if all(row.estimate is None for row in rows):
        return None
    unit = next(c["unit"] for c in data["comparisons"] if c["outcome"] == outcome)
    figure, (ax,) = new_figure(7.6, _ROW_IN * len(rows) + 0.95)
    figure.subplots_adjust(
        left=0.36, right=0.70, top=1 - 0.32 / figure.get_figheight(),
        bottom=0.62 / figure.get_figheight(),
    )  # fmt: skip
    for index, row in enumerate(rows):
        _draw_row(ax, index, row, decimals_of(unit))
    ax.axvline(0, color=MUTED, lw=0.8, zorder=0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 0), max(high, 0))
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(f"ADSC-CM minus saline, {unit}")
    for x, align, text in ((0, "left", "← less scar with ADSC-CM"), (1, "right", "more →")):
        ax.text(x, 1.01, text, transform=ax.transAxes, ha=align, va="bottom", color=MUTED, size=7.5)
    ax.text(
        1.06, 1.01, f"estimate ({100 * data['level']:g} % interval)", transform=ax.transAxes,
        va="bottom", color=MUTED, size=7.5,
    )  # fmt: skip
    ax.text(
        -0.06, 1.01, "patients", transform=ax.transAxes, ha="right", va="bottom", color=MUTED,
        size=7.5,
    )  # fmt: skip
    return figure


def forest_rows(data: Mapping[str, Any], outcome: str) -> list[Row]:
    """What the forest plot shows, in its order."""
    mine = [c for c in data["comparisons"] if c["outcome"] == outcome]
    rows = []
    for halves in ("measured", "pass"):
        group = [c for c in mine if c["halves"] == halves and c["paired_t"]]
        if not group:
            continue
        first = group[0]
        rows.append(Row(f"{first['halves_label'][:1].upper()}{first['halves_label'][1:]}"))
        colour = ACTIVE if halves == "measured" else SENSITIVITY
        for c in group:
            t = c["paired_t"]
            rows.append(
                Row(c["procedure_label"], c["patients"], t["mean"], t["ci_low"], t["ci_high"],
                    colour, strong=c["role"] == "primary")
            )  # fmt: skip
            flip = c["sign_flip"]
            if c["procedure"] == "pooled" and flip and flip["ci_low"] is not None:
                rows.append(
                    Row("the same, sign-flip interval", c["patients"], t["mean"], flip["ci_low"],
                        flip["ci_high"], colour)
                )  # fmt: skip
        model = next(m for m in data["models"] if m["outcome"] == outcome and m["halves"] == halves)
        effect = next((e for e in model["fit"]["effects"] if e["name"] == "treatment"), None)
        if effect:
            kind = "mixed model" if model["fit"]["method"] == "reml" else "differences model"
            rows.append(
                Row(f"{kind}, adjusted for baseline", model["fit"]["n_patients"],
                    effect["estimate"], effect["ci_low"], effect["ci_high"], colour)
            )  # fmt: skip
    return rows


def _draw_row(ax: Axes, index: int, row: Row, decimals: int) -> None:
    weight = "bold" if row.strong or row.estimate is None else "normal"
    ax.text(
        -1.06, index, row.label, transform=ax.get_yaxis_transform(), va="center", weight=weight,
        size=8.5,
    )  # fmt: skip
    if row.estimate is None or row.low is None or row.high is None:
        return
    size = 8 if row.strong else 5.5
    ax.plot([row.low, row.high], [index, index], color=row.colour, lw=2 if row.strong else 1.4)
    ax.plot([row.estimate], [index], "s", color=row.colour, ms=size)
    ax.axhline(index + 0.5, color=RULE, lw=0.4, zorder=0)
    across = ax.get_yaxis_transform()
    text = interval_text(row.estimate, row.low, row.high, decimals)
    ax.text(1.06, index, text, transform=across, va="center", size=8.5, weight=weight)
    ax.text(-0.06, index, str(row.patients), transform=across, va="center", ha="right", size=8.5)
