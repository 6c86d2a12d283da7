"""Scar surface per face half, measured from clinical photographs before and after treatment.

Public names are loaded on first use, so that importing the package (and the command line's
``--help``) stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scarmetrics.allocation import (
        Allocation,
        LinkedStudy,
        Lock,
        check_lock,
        link,
        lock,
        read_allocation,
        read_linked,
        write_linked,
    )
    from scarmetrics.config import StudyConfig, load_config
    from scarmetrics.errors import ScarmetricsError
    from scarmetrics.face import Face, FaceNotFound, detect_face
    from scarmetrics.ingest import decode_photograph
    from scarmetrics.models import FailedHalf
    from scarmetrics.phantom import make_demo_study
    from scarmetrics.pipeline import HalfResult, measure_half
    from scarmetrics.registration import FailedRegistration, Registration, register
    from scarmetrics.runner import RunSummary, Study, Verification, verify
    from scarmetrics.segmentation import FailedSegmentation, ScarLabels, segment
    from scarmetrics.statistics import Analysis
    from scarmetrics.trial_report import analyse_linked, write_trial
    from scarmetrics.units import PixelScale

__version__ = "0.1.0"

_HOME = {
    "Allocation": "allocation",
    "Analysis": "statistics",
    "Face": "face",
    "FaceNotFound": "face",
    "FailedHalf": "models",
    "FailedRegistration": "registration",
    "FailedSegmentation": "segmentation",
    "HalfResult": "pipeline",
    "LinkedStudy": "allocation",
    "Lock": "allocation",
    "PixelScale": "units",
    "Registration": "registration",
    "RunSummary": "runner",
    "ScarLabels": "segmentation",
    "ScarmetricsError": "errors",
    "Study": "runner",
    "StudyConfig": "config",
    "Verification": "runner",
    "analyse_linked": "trial_report",
    "check_lock": "allocation",
    "decode_photograph": "ingest",
    "detect_face": "face",
    "link": "allocation",
    "load_config": "config",
    "lock": "allocation",
    "make_demo_study": "phantom",
    "measure_half": "pipeline",
    "read_allocation": "allocation",
    "read_linked": "allocation",
    "register": "registration",
    "segment": "segmentation",
    "verify": "runner",
    "write_linked": "allocation",
    "write_trial": "trial_report",
}

__all__ = [
    "Allocation",
    "Analysis",
    "Face",
    "FaceNotFound",
    "FailedHalf",
    "FailedRegistration",
    "FailedSegmentation",
    "HalfResult",
    "LinkedStudy",
    "Lock",
    "PixelScale",
    "Registration",
    "RunSummary",
    "ScarLabels",
    "ScarmetricsError",
    "Study",
    "StudyConfig",
    "Verification",
    "analyse_linked",
    "check_lock",
    "decode_photograph",
    "detect_face",
    "link",
    "load_config",
    "lock",
    "make_demo_study",
    "measure_half",
    "read_allocation",
    "read_linked",
    "register",
    "segment",
    "verify",
    "write_linked",
    "write_trial",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
