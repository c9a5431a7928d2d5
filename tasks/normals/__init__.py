"""Surface normals: a unit vector for every pixel."""

from .head import Normals

__all__ = ["Normals"]
