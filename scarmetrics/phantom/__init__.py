"""Faces with scars of known area: truth for tests, demonstration and training."""

from scarmetrics.phantom.confluent import confluent_field
from scarmetrics.phantom.face_light import light_of
from scarmetrics.phantom.faces import PhantomFace, astronaut_face
from scarmetrics.phantom.glasses import FRAME_KINDS, FrameKind, Spectacles, draw_spectacles, wear
from scarmetrics.phantom.marks import MARK_KINDS, Mark, MarkKind, mark_field
from scarmetrics.phantom.recapture import (
    Exposure,
    Recaptured,
    draw_exposure,
    expose,
    recapture,
)
from scarmetrics.phantom.render import Phantom, coverage, render
from scarmetrics.phantom.scars import Profile, Scar, scar_field, shrink
from scarmetrics.phantom.shading import Light
from scarmetrics.phantom.study import DemoStudy, make_demo_study
from scarmetrics.phantom.texture import Roughness, SkinStyle
from scarmetrics.phantom.warps import Warp, Waves

__all__ = [
    "FRAME_KINDS",
    "MARK_KINDS",
    "DemoStudy",
    "Exposure",
    "FrameKind",
    "Light",
    "Mark",
    "MarkKind",
    "Phantom",
    "PhantomFace",
    "Profile",
    "Recaptured",
    "Roughness",
    "Scar",
    "SkinStyle",
    "Spectacles",
    "Warp",
    "Waves",
    "astronaut_face",
    "confluent_field",
    "coverage",
    "draw_exposure",
    "draw_spectacles",
    "expose",
    "light_of",
    "make_demo_study",
    "mark_field",
    "recapture",
    "render",
    "scar_field",
    "shrink",
    "wear",
]
