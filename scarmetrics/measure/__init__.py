"""From labels to areas with uncertainty, and from scars to their fates."""

from scarmetrics.measure.area import AreaMeasurement, ScarMeasurement, measure_labels
from scarmetrics.measure.by_region import RegionMeasurement, measure_regions
from scarmetrics.measure.change import AreaChange, compare
from scarmetrics.measure.matching import ScarMatch, match_scars, unmatched

__all__ = [
    "AreaChange",
    "AreaMeasurement",
    "RegionMeasurement",
    "ScarMatch",
    "ScarMeasurement",
    "compare",
    "match_scars",
    "measure_labels",
    "measure_regions",
    "unmatched",
]
