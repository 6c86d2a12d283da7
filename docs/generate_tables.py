"""Write the tables of docs/outputs.md and docs/method.md that come from the code.

Run ``python docs/generate_tables.py`` after a change to the flags, the reason codes or the
configuration's defaults; the tests compare the pages with it. Each table stands between two
comments, ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scarmetrics.config import StudyConfig
from scarmetrics.errors import REASONS
from scarmetrics.flags import FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGES = ("outputs.md", "method.md")
_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECTIONS = ("face", "registration", "segmentation", "scale", "quality")

EFFECTS = {
    "face.min_presence": "lower accepts fainter faces, with less certain landmarks",
    "face.outline_margin": "larger leaves out more hair and background, and more skin",
    "face.feature_margin": "the same around eyes, brows, lips and nostrils",
    "face.darkest_skin": "larger leaves out more hair and shadow, and dark parts of the skin; "
    "0 leaves nothing out",
    "face.surface": "`curved` measures on the skin, `flat` in the picture",
    "face.camera_distance_mm": "smaller changes the areas of skin nearer or farther than the eyes "
    "more, and the perspective of a tilted marker; with it `scale.depth_sd_mm` counts; none is a "
    "camera far away",
    "face.max_tilt_deg": "smaller leaves out more skin that is turned away from the camera",
    "face.surface_rel_sd": "enters `area_sd_mm2` once",
    "face.exclude_glasses": "`false` measures the skin behind spectacles, frames and all",
    "face.min_glasses_score": "lower finds fainter frames, and takes more bare faces for ones with "
    "spectacles; sets `glasses`",
    "registration.working_mm_per_px": "smaller follows finer texture and takes longer; areas are "
    "measured at full resolution whatever it is",
    "registration.smoothing_mm": "larger follows less of a local change; it should exceed the "
    "width of a usual scar",
    "registration.max_error_mm": "smaller leaves out more skin, and is surer of the rest",
    "registration.min_likeness": "lower accepts pairs that may not show the same skin",
    "registration.min_registered_fraction": "lower accepts pairs of which less skin was aligned",
    "segmentation.method": "the segmenter: a name, or a model file",
    "segmentation.min_diameter_mm": "smaller finds smaller scars, and pores",
    "segmentation.max_diameter_mm": "smaller drops more long depressions as folds",
    "segmentation.min_significance": "`classical` only: larger finds fewer scars where the skin is "
    "uneven",
    "segmentation.min_contrast": "`classical` only: larger finds fewer scars where the skin is "
    "even",
    "segmentation.merge_gap_mm": "with `merge`, larger makes fewer and larger fields; their area "
    "is the same",
    "segmentation.touching": "`split` counts touching depressions one by one, `merge` as one; "
    "their area is the same",
    "segmentation.sensitivity": "learned methods only: larger finds fainter scars; their models "
    "are calibrated for 0.5",
    "scale.device_mm_per_px": "scale of photographs for which the manifest states none",
    "scale.device_rel_sd": "enters `area_sd_mm2` twice",
    "scale.manifest_rel_sd": "the same for a manifest scale without one of its own",
    "scale.prefer": "which source is used where several have a number; those left out are not, and "
    "`iris` must be named",
    "scale.marker_size_mm": "edge of the marker that every photograph shows",
    "scale.marker_dictionary": "the marker's set",
    "scale.marker_id": "the marker's number in it; none is any one",
    "scale.marker_max_tilt_deg": "larger accepts markers and charts that are tilted more, with "
    "less certain scales",
    "scale.marker_min_size_px": "smaller accepts smaller markers, with less certain scales",
    "scale.colorchecker_pitch_mm": "pitch of the patches of the chart that every photograph shows",
    "scale.iris_mm": "larger makes areas larger where the iris gives the scale",
    "scale.iris_sd_mm": "part of the uncertainty of that scale",
    "scale.depth_sd_mm": "larger makes scales from marker, chart and iris less certain",
    "scale.depth_rel_sd": "the same where the distance is not known",
    "scale.use_dpi_tag": "`True` takes the file's resolution for its scale",
    "scale.dpi_rel_sd": "uncertainty of that scale",
    "quality.max_pose_difference_deg": "sets `pose_difference`",
    "quality.max_expression_difference": "sets `expression_difference`",
    "quality.max_blur_mm": "sets `blurred`",
    "quality.max_blur_difference_mm": "sets `sharpness_difference`",
    "quality.exposure": "sets `underexposed` and `overexposed`",
    "quality.max_clipped": "sets `clipped`",
    "quality.min_registered_fraction": "sets `low_registered_fraction`",
    "quality.max_residual_mm": "sets `high_residual`",
    "quality.min_scar_diameter_px": "sets `coarse_pixels`",
    "quality.max_beard_texture": "sets `beard_suspected`",
    "quality.max_not_measurable": "sets `much_not_measurable`",
    "quality.interpupillary_mm": "sets `scale_implausible`",
}
"""What a larger or smaller value does, for each parameter that touches a measurement."""


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Lines of a Markdown table."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def tables() -> dict[str, str]:
    """Every generated table by its name."""
    defaults = StudyConfig().model_dump(mode="json")
    parameters = [
        (f"`{section}.{key}`", _default(value), EFFECTS[f"{section}.{key}"])
        for section in _SECTIONS
        for key, value in defaults[section].items()
    ]
    return {
        "flags": markdown_table(
            ("flag", "severity", "meaning", "its number", "its limit"),
            (
                (f"`{flag.name}`", flag.severity, flag.description, *map(_code, flag.evidence))
                for flag in FLAGS.values()
            ),
        ),
        "reasons": markdown_table(
            ("`reason_code`", "meaning", "remedy"),
            ((f"`{code}`", text.meaning, text.remedy) for code, text in REASONS.items()),
        ),
        "parameters": markdown_table(("parameter", "default", "effect"), parameters),
    }


def _code(word: str) -> str:
    return f"`{word}`" if word else ""


def _default(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "none" if value is None else str(value)


def with_tables(page: str) -> str:
    """A page's text with its tables as the code has them."""
    made = tables()
    return _BLOCK.sub(lambda block: block[1] + made[block[2]] + block[3], page)


def main() -> None:
    """Bring every page up to date."""
    for name in PAGES:
        path = Path(__file__).with_name(name)
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
