"""Where the face is: landmarks, pose, sides, skin, its regions and its surface."""

from scarmetrics.face.face import Face, FaceNotFound, detect_face
from scarmetrics.face.parts import REGIONS
from scarmetrics.face.surface import Surface

__all__ = ["REGIONS", "Face", "FaceNotFound", "Surface", "detect_face"]
