"""Faces with scars of known area: truth for tests, demonstration and training."""

from scarmetrics.phantom.faces import PhantomFace, astronaut_face
from scarmetrics.phantom.recapture import (
    Exposure,
    Recaptured,
    draw_exposure,
    expose,
    recapture,
)
from scarmetrics.phantom.render import Light, Phantom, coverage, render
from scarmetrics.phantom.scars import Profile, Scar, scar_field, shrink
from scarmetrics.phantom.study import DemoStudy, make_demo_study
from scarmetrics.phantom.warps import Warp, Waves

__all__ = [
    "DemoStudy",
    "Exposure",
    "Light",
    "Phantom",
    "PhantomFace",
    "Profile",
    "Recaptured",
    "Scar",
    "Warp",
    "Waves",
    "astronaut_face",
    "coverage",
    "draw_exposure",
    "expose",
    "make_demo_study",
    "recapture",
    "render",
    "scar_field",
    "shrink",
]
