"""Projects of Supervisely."""

from .supervisely import Supervisely

__all__ = ["Supervisely"]
