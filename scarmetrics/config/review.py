"""When results are flagged, and how reviewers see them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from scarmetrics.config.values import Fraction, Positive, refuse_bool
from scarmetrics.strict_yaml import Section, wrong_at


class QualityConfig(Section):
    """When a half is flagged for review.

    Attributes
    ----------
    max_pose_difference_deg : float
        Angle between the directions of the head at the two visits.
    max_expression_difference : float
        Difference in opening or width of the mouth or height of the cheeks between the visits, as
        a fraction of the distance between the pupils.
    min_registered_fraction : float
        Share of common skin that was aligned.
    max_residual_mm : float
        Median registration residual.
    min_scar_diameter_px : float
        The smallest scar asked for must span this many pixels.
    max_blur_mm : float
        Standard deviation of the Gaussian that a photograph is blurred by.
    max_blur_difference_mm : float
        Blur that would make the sharper visit's photograph look like the other.
    exposure : tuple of float
        Lowest and highest median luminance of a side's skin, linear in light, 0 to 1.
    max_clipped : float
        Share of a side's skin where a channel is at the end of its range.
    max_beard_texture : float
        Fine darkness of the lower third of the face over that of cheek and forehead.
    max_not_measurable : float
        Share of a side's skin that could not be measured at one visit.
    interpupillary_mm : tuple of float
        Range of distances between the pupils that people have, to catch a wrong scale.
    """

    max_pose_difference_deg: Positive = 8.0
    max_expression_difference: Positive = 0.08
    min_registered_fraction: Fraction = 0.8
    max_residual_mm: Positive = 0.5
    min_scar_diameter_px: Positive = 4.0
    max_blur_mm: Positive = 0.5
    max_blur_difference_mm: Positive = 0.3
    exposure: tuple[Fraction, Fraction] = (0.02, 0.75)
    max_clipped: Fraction = 0.05
    max_beard_texture: Positive = 1.5
    max_not_measurable: Fraction = 0.5
    interpupillary_mm: tuple[Positive, Positive] = (45.0, 80.0)

    @model_validator(mode="after")
    def _ranges_in_order(self) -> Self:
        for name in ("exposure", "interpupillary_mm"):
            lowest, highest = getattr(self, name)
            if lowest >= highest:
                raise wrong_at(((name,), "must be [lowest, highest]"))
        return self


class OverlayConfig(Section):
    """The reviewers' pictures.

    Attributes
    ----------
    max_side_px : int
        Longer side of each panel; crops are enlarged or reduced to it.
    hide_eyes : bool
        Whether eyes and brows are covered in all pictures.
    hide_eyes_in_report : bool
        Whether they are covered in the pictures that the report shows.
    """

    max_side_px: Annotated[int, BeforeValidator(refuse_bool), Field(ge=200, le=8000)] = 1200
    hide_eyes: bool = False
    hide_eyes_in_report: bool = True
