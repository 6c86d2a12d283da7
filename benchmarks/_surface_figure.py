"""The figure of docs/method.md: a turned portrait and the errors of real faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from _common import REPOSITORY
from _turned import relief_of, turned

import scarmetrics as sm
from scarmetrics.face.mesh import posed_face
from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.models import Image


def draw_figure(
    rows: list[dict[str, Any]], yaws: Sequence[int], image: Image, face: sm.Face
) -> None:
    """A turned portrait with the factor in colour, and the errors of real faces over the yaw."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    relief = relief_of(image, face, posed_face(face.landmarks, (0.0, 0.0))[:, 2])
    figure, axes = plt.subplots(
        1, 4, figsize=(11, 3.2), width_ratios=(1, 1, 1, 1.7), layout="constrained"
    )
    for axis, yaw in zip(axes, (0, 30, 45), strict=False):
        shown, _ = turned(relief, yaw)
        found = sm.detect_face(shown)
        skin = found.skin_mask("left") | found.skin_mask("right")
        factor = np.where(skin, found.surface_factor(), np.nan)
        x0, y0, x1, y1 = found.box
        axis.imshow(shown[y0:y1, x0:x1])
        drawn = axis.imshow(factor[y0:y1, x0:x1], vmin=1, vmax=2, cmap="viridis", alpha=0.75)
        axis.set_title(f"turned by {yaw}°", fontsize=9)
        axis.axis("off")
    figure.colorbar(drawn, ax=axes[:3], shrink=0.75, label="skin per projected area")
    for method, label in (("flat", "in the picture"), ("net", "on the skin")):
        groups = [[e for row in rows if row["found"] and row["yaw"] == yaw
                   for e in row[f"patch {method}"]] for yaw in yaws]  # fmt: skip
        middle = [100 * np.mean(group) for group in groups]
        spread = [100 * np.std(group) for group in groups]
        axes[3].errorbar(yaws, middle, spread, marker="o", capsize=3, label=label)
    axes[3].axhline(0, color="gray", lw=0.8)
    axes[3].set(xlabel="yaw, degrees", ylabel="error of a patch's area, %", xticks=yaws)
    axes[3].set_ylim(-40, 15)
    axes[3].legend(fontsize=8, frameon=False, loc="upper right")
    target = REPOSITORY / "docs" / "images" / "surface.png"
    figure.savefig(target, dpi=80, bbox_inches="tight", metadata={"Software": None})
    shrunk = cv2.imread(str(target))
    cv2.imwrite(str(target), shrunk, [cv2.IMWRITE_PNG_COMPRESSION, 9])
