"""The plots of single patients: both halves of each, and repeated measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.trial_report.style import ACTIVE, CONTROL, INK, MUTED, PAPER, RULE, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = (("co2_laser", "fractional CO₂ laser"), ("microneedling", "microneedling"))
_AXIS = {"mm2": "change of scar area, mm²", "pct": "change of scar area, percent of baseline"}


def paired_lines(data: Mapping[str, Any], measure: str) -> Figure | None:
    """Draw a line for each patient from the saline half's change to the ADSC-CM half's.

    Parameters
    ----------
    data : mapping
        ``analysis`` of analysis.json.
    measure : {'mm2', 'pct'}
        Of the change.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no patient has both halves.
    """
    pairs = {
        procedure: [
            (p[f"saline_{measure}"], p[f"adsc_cm_{measure}"])
            for p in data["patients"]
            if p["procedure"] == procedure
            and p[f"saline_{measure}"] is not None
            and p[f"adsc_cm_{measure}"] is not None
        ]
        for procedure, _ in _PANELS
    }
    if not any(pairs.values()):
        return None
    figure, axes = new_figure(7.2, 4.0, columns=2)
    figure.subplots_adjust(left=0.11, right=0.97, top=0.90, bottom=0.10, wspace=0.12)
    for ax, (procedure, title) in zip(axes, _PANELS, strict=True):
        _draw_pairs(ax, pairs[procedure])
        ax.set_title(f"{title}, {len(pairs[procedure])} patients", size=9.5, color=INK)
    axes[0].set_ylabel(_AXIS[measure])
    return figure


def _draw_pairs(ax: Axes, pairs: list[tuple[float, float]]) -> None:
    ax.axhline(0, color=MUTED, lw=0.8, zorder=0)
    ax.set_xticks([0, 1], ["saline half", "ADSC-CM half"])
    ax.tick_params(axis="x", labelcolor=INK, length=0)
    ax.set_xlim(-0.4, 1.4)
    for saline, active in pairs:
        better = active < saline
        ax.plot([0, 1], [saline, active], "-" if better else "--", color=MUTED, lw=0.8, alpha=0.75)
    if not pairs:
        ax.text(0.5, 0.5, "no patient", transform=ax.transAxes, ha="center", color=MUTED)
        return
    values = np.array(pairs)
    for x, colour in ((0, CONTROL), (1, ACTIVE)):
        ax.plot(np.full(len(values), x), values[:, x], "o", color=colour, ms=4, mec=PAPER, mew=0.4)
    means = values.mean(axis=0)
    ax.plot([0, 1], means, "-", color=INK, lw=2.2)
    for x, colour in ((0, CONTROL), (1, ACTIVE)):
        ax.plot([x], [means[x]], "D", color=colour, ms=9, mec=INK, mew=1)


def bland_altman(data: Mapping[str, Any]) -> Figure | None:
    """Draw differences of repeated measurements over their means, with limits of agreement.

    Parameters
    ----------
    data : mapping
        ``analysis`` of analysis.json.

    Returns
    -------
    matplotlib.figure.Figure or None
        None without repeated photographs.
    """
    repeats = data["repeatability"]
    if not repeats:
        return None
    figure, (ax,) = new_figure(7.2, 3.4)
    figure.subplots_adjust(left=0.11, right=0.80, top=0.96, bottom=0.15)
    points = repeats["points"]
    ax.plot(
        [p["mean_mm2"] for p in points], [p["difference_mm2"] for p in points], "o",
        color=ACTIVE, ms=4.5, mec=PAPER, mew=0.4,
    )  # fmt: skip
    ax.axhline(0, color=RULE, lw=0.8, zorder=0)
    margin = repeats["loa_margin_mm2"]
    lines = (
        ("upper limit", repeats["loa_high_mm2"], margin, "--"),
        ("bias", repeats["bias_mm2"], repeats["bias_high_mm2"] - repeats["bias_mm2"], "-"),
        ("lower limit", repeats["loa_low_mm2"], margin, "--"),
    )
    for name, at, half, style in lines:
        ax.axhspan(at - half, at + half, color=RULE, alpha=0.35, lw=0, zorder=0)
        ax.axhline(at, color=INK, lw=1.1, ls=style)
        text = f"{name}\n{at:.1f} mm²".replace("-", "\N{MINUS SIGN}")
        ax.text(1.02, at, text, transform=ax.get_yaxis_transform(), va="center", size=8.5)
    ax.set_xlabel("mean of two measurements of a half, mm²")
    ax.set_ylabel("later minus earlier, mm²")
    return figure
