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
        Difference of yaw between the visits.
    min_registered_fraction : float
        Share of common skin that was aligned.
    max_residual_mm : float
        Median registration residual.
    min_scar_diameter_px : float
        The smallest scar asked for must span this many pixels.
    max_beard_texture : float
        Fine darkness of the lower third of the face over that of cheek and forehead.
    max_not_measurable : float
        Share of a side's skin that could not be measured at one visit.
    interpupillary_mm : tuple of float
        Range of distances between the pupils that people have, to catch a wrong scale.
    """

    max_pose_difference_deg: Positive = 8.0
    min_registered_fraction: Fraction = 0.8
    max_residual_mm: Positive = 0.5
    min_scar_diameter_px: Positive = 4.0
    max_beard_texture: Positive = 1.5
    max_not_measurable: Fraction = 0.5
    interpupillary_mm: tuple[Positive, Positive] = (45.0, 80.0)

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.interpupillary_mm[0] >= self.interpupillary_mm[1]:
            raise wrong_at((("interpupillary_mm",), "must be [lowest, highest]"))
        return self


class OverlayConfig(Section):
    """The reviewers' pictures.

    Attributes
    ----------
    max_side_px : int
        Longer side of each panel; crops are enlarged or reduced to it.
    hide_eyes : bool
        Whether eyes and brows are covered.
    """

    max_side_px: Annotated[int, BeforeValidator(refuse_bool), Field(ge=200, le=8000)] = 1200
    hide_eyes: bool = False
