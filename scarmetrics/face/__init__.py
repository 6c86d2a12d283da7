"""Where the face is: landmarks, pose, sides and skin."""

from scarmetrics.face.face import Face, FaceNotFound, detect_face

__all__ = ["Face", "FaceNotFound", "detect_face"]
