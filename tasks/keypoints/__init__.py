"""Keypoints: poses of several objects a picture. Importing this package registers the head."""

from .head import Keypoints

__all__ = ["Keypoints"]
