"""BDD100K: streets with boxes, drivable area and lanes."""

from .bdd100k import BDD100K

__all__ = ["BDD100K"]
