"""Teaching a segmenter by tracings: reading them, fitting, testing on people left out."""

from scarmetrics.teach.fit import Settings, Taught, folds, judge, require_scikit_learn, teach
from scarmetrics.teach.lesson import Lesson, make_lesson
from scarmetrics.teach.score import Agreement, agreement, pairs, total
from scarmetrics.teach.tracings import Problem, Tracings, TracingsError, read_tracings

__all__ = [
    "Agreement",
    "Lesson",
    "Problem",
    "Settings",
    "Taught",
    "Tracings",
    "TracingsError",
    "agreement",
    "folds",
    "judge",
    "make_lesson",
    "pairs",
    "read_tracings",
    "require_scikit_learn",
    "teach",
    "total",
]
