"""Keypoints: poses of several objects an image. Importing this package registers the head."""

from .head import Keypoints

__all__ = ["Keypoints"]
