"""How faces are found, aligned and searched for scars."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from scarmetrics.config.values import Fraction, NotNegative, Number, Positive
from scarmetrics.strict_yaml import Section, wrong_at

ONNX = "onnx:"
TAUGHT_SUFFIX = ".npz"


class FaceConfig(Section):
    """Where skin is.

    Attributes
    ----------
    min_presence : float
        Below this landmark confidence the face counts as not found.
    outline_margin : float
        Strip left out along the face outline, as a fraction of the interpupillary distance.
    feature_margin : float
        The same around eyes, brows, lips and nostrils.
    darkest_skin : float
        Skin darker than this share of the half's median luminance, averaged over a few mm, is
        left out at both visits: hair that hangs over it, deep shadow.
    surface : {'curved', 'flat'}
        Whether areas follow the curved surface of the face, or are those of its picture.
    camera_distance_mm : float or None
        From the camera to the eyes, for perspective, of the face and of a marker beside it; None is
        a camera far away.
    max_tilt_deg : float
        Skin that is turned farther away from the camera is left out at both visits.
    surface_rel_sd : float
        Relative standard deviation of an area from the shape and pose of the face.
    exclude_glasses : bool
        Whether skin that spectacles cover or distort is left out at both visits.
    min_glasses_score : float
        A face whose score as one with spectacles is higher wears them.
    """

    min_presence: Fraction = 0.5
    outline_margin: Fraction = 0.08
    feature_margin: Fraction = 0.05
    darkest_skin: Fraction = 0.4
    surface: Literal["curved", "flat"] = "curved"
    camera_distance_mm: Positive | None = None
    max_tilt_deg: Annotated[Number, Field(gt=0, le=75, allow_inf_nan=False)] = 60.0
    surface_rel_sd: NotNegative = 0.03
    exclude_glasses: bool = True
    min_glasses_score: Fraction = 0.65


class RegistrationConfig(Section):
    """How the two visits are aligned, and when alignment has failed.

    Attributes
    ----------
    working_mm_per_px : float
        Resolution at which the flow is computed; finer photographs are reduced to it.
    smoothing_mm : float
        Length below which differences between the visits are not followed, so that a scar that
        shrinks is not pulled back to its old outline.
    max_error_mm : float
        Skin where the expected error of the alignment is larger is left out at both visits, but
        for small holes.
    min_likeness : float
        Median local correlation of skin texture, plus a quarter of the share of the skin where
        forward and backward flow agree; below it the pair is refused as not the same skin.
    min_registered_fraction : float
        Share of common skin below which the pair is refused.
    """

    working_mm_per_px: Positive = 0.25
    smoothing_mm: Positive = 3.0
    max_error_mm: Positive = 0.5
    min_likeness: Annotated[Number, Field(ge=0, le=1.25, allow_inf_nan=False)] = 0.38
    min_registered_fraction: Fraction = 0.3


class SegmentationConfig(Section):
    """What counts as a scar.

    Attributes
    ----------
    method : str
        Name of a registered segmenter, the path of a model file that ``scarmetrics train`` wrote
        (``.npz``), or ``onnx:`` and the path of a net. A relative path in a config file starts at
        that file's folder, elsewhere at the working directory; ``~`` is the user's own folder.
    min_diameter_mm, max_diameter_mm : float
        Equivalent diameters of the smallest and largest single scar looked for.
    min_significance : float
        Least depth in units of the pair's noise.
    min_contrast : float
        Least relative darkening at the deepest point, whatever the noise.
    touching : {'split', 'merge'}
        Whether depressions that touch each other are counted one by one or as one field.
        Their area is the same either way.
    merge_gap_mm : float
        With ``merge``, scars no farther apart than this are one field as well.
    sensitivity : float
        How readily a learned method counts a scar: 0.5 as its model was calibrated, more finds
        fainter scars.
    """

    method: str = "learned"
    min_diameter_mm: Positive = 0.8
    max_diameter_mm: Positive = 8.0
    min_significance: Positive = 2.5
    min_contrast: Annotated[Number, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.14
    touching: Literal["split", "merge"] = "split"
    merge_gap_mm: NotNegative = 0.0
    sensitivity: Annotated[Number, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5

    @field_validator("method")
    @classmethod
    def _without_spaces(cls, method: str) -> str:
        kind = ONNX if method.strip().startswith(ONNX) else ""
        return kind + method.strip().removeprefix(kind).strip()

    @model_validator(mode="after")
    def _diameters_in_order(self) -> Self:
        if self.max_diameter_mm <= self.min_diameter_mm:
            maximum = "max_diameter_mm" in self.model_fields_set
            written = "max_diameter_mm" if maximum else "min_diameter_mm"
            raise wrong_at(((written,), "max_diameter_mm must be larger than min_diameter_mm"))
        return self

    @property
    def model_file(self) -> Path | None:
        """The file that `method` names; None where it names a registered segmenter."""
        name = self.method.removeprefix(ONNX)
        is_file = name != self.method or name.lower().endswith(TAUGHT_SUFFIX)
        # unlike Path's, leaves the name of an unknown user as it is
        return Path(os.path.expanduser(name)) if is_file else None  # noqa: PTH111

    def with_model_file(self, path: Path | str) -> Self:
        """The same with another path of the model file, of the same kind."""
        kind = ONNX if self.method.startswith(ONNX) else ""
        return self.model_copy(update={"method": f"{kind}{path}"})
