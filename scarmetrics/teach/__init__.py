"""Teaching a segmenter by tracings: reading them, fitting, testing on people left out."""

from scarmetrics.teach.fit import (
    Settings,
    Taught,
    area_rel_sd,
    folds,
    judge,
    require_scikit_learn,
    teach,
)
from scarmetrics.teach.lesson import Lesson, make_lesson, part_of
from scarmetrics.teach.score import (
    LEAST_IOU,
    Agreement,
    agreement,
    dice,
    mask_pairs,
    pairs,
    total,
    twice_over_both,
)
from scarmetrics.teach.tracings import Problem, Tracings, TracingsError, read_tracings

__all__ = [
    "LEAST_IOU",
    "Agreement",
    "Lesson",
    "Problem",
    "Settings",
    "Taught",
    "Tracings",
    "TracingsError",
    "agreement",
    "area_rel_sd",
    "dice",
    "folds",
    "judge",
    "make_lesson",
    "mask_pairs",
    "pairs",
    "part_of",
    "read_tracings",
    "require_scikit_learn",
    "teach",
    "total",
    "twice_over_both",
]
