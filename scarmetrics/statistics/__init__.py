"""The trial's comparison: paired by default, exact where it can be, with every number defined.

Functions take data frames and arrays and return frozen records; none reads a file. Nothing that
measures may import this package.
"""

from scarmetrics.statistics.analysis import analyse, as_json, definitions
from scarmetrics.statistics.means import mcnemar, paired_t, welch
from scarmetrics.statistics.mixed import mixed_model
from scarmetrics.statistics.records import Analysis
from scarmetrics.statistics.relabel import relabel
from scarmetrics.statistics.reliability import Icc, Repeatability, icc_2_1, repeatability
from scarmetrics.statistics.results import (
    McNemar,
    MixedEffect,
    MixedModel,
    PairedT,
    Relabel,
    SignedRank,
    SignFlip,
    Welch,
)
from scarmetrics.statistics.signedrank import signed_rank
from scarmetrics.statistics.signflip import sign_flip, sign_flip_p

__all__ = [
    "Analysis",
    "Icc",
    "McNemar",
    "MixedEffect",
    "MixedModel",
    "PairedT",
    "Relabel",
    "Repeatability",
    "SignFlip",
    "SignedRank",
    "Welch",
    "analyse",
    "as_json",
    "definitions",
    "icc_2_1",
    "mcnemar",
    "mixed_model",
    "paired_t",
    "relabel",
    "repeatability",
    "sign_flip",
    "sign_flip_p",
    "signed_rank",
    "welch",
]
