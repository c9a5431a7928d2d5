"""Images with an XML file each, without lists, as labelImg writes them."""

from .labelimg import LabelImg

__all__ = ["LabelImg"]
