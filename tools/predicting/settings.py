"""Settings of prediction, on the command line of `densefit predict` and `densefit serve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from densefit.data.loader.views import Views
from densefit.errors import ConfigError
from densefit.evaluation.image_fit import ImageFit, OwnSize, Transformed, Viewed
from densefit.model.network import Network
from densefit.tools.predicting.formats import DEFAULT
from densefit.tools.predicting.selection import Selection
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings
from densefit.tools.recipes.data.loaders import fitting


@dataclass
class PredictionSettings(CheckpointSettings):
    __doc__ = f"""{str(CheckpointSettings.__doc__).rstrip()}
        threshold: lowest score of the objects that are written and drawn. By default files have
            all objects that the network puts out, and those are drawn that reach the score of the
            highest F1 of the run, else the head's draw_threshold.
        classes: names of the classes of objects that are written; all by default.
        max_detections: objects per image, the highest-scored ones; by default as trained.
        iou: IoU above which the worse of two boxes of a class is dropped; by default as trained.
        tile: side of square tiles that large images are cut into, at their own size and with
            --overlap, in pixels. Boxes and masks of all tiles and of the whole image are merged by
            one suppression; labels of the whole image (classification) are not tiled.
    """

    threshold: float | None = None
    classes: list[str] = field(default_factory=list)
    max_detections: int | None = None
    iou: float | None = None
    tile: int | None = None

    def selection(self) -> Selection:
        """Which objects are written."""
        return Selection(self.threshold, tuple(self.classes), self.max_detections)

    def fit(self, network: Network) -> ImageFit:
        """How images are fitted to the network's input.

        Raises:
            ConfigError: a setting out of range.
        """
        if self.tile is not None:
            return self._tiles(network)
        views = self.views()
        if views is not None:
            return Viewed(views, self.input_size)
        return OwnSize() if self.resize == "none" else Transformed(fitting(self))

    def _tiles(self, network: Network) -> ImageFit:
        if self.tile is None or self.tile < 1 or self.windows:
            raise ConfigError(
                "tile is a number of pixels, and replaces windows",
                received=f"tile {self.tile}, windows {self.windows}",
                fix="--tile 640 --overlap 0.2",
            )
        views = Views(self.flip, self.scales, "original", self.overlap)
        # Maps of all views are averaged, which the whole image, seen coarsely, would blur.
        whole = not any(head.has_view_outputs for head in network.heads)
        return Viewed(views, (self.tile, self.tile), whole)

    def whole_fit(self) -> ImageFit:
        """How the whole image is fitted for labels of the whole image, beside tiles."""
        return Transformed(fitting(self))


def needs_recipe(words: Sequence[str]) -> bool:
    """Whether a checkpoint must say how images are fitted: the command line does not."""
    options = {word.partition("=")[0] for word in words}
    return options.isdisjoint({"--input_size", "--input-size", "--tile", "--config"})


@dataclass
class FilePrediction(PredictionSettings):
    __doc__ = f"""{str(PredictionSettings.__doc__).rstrip()}
        images: image files, folders that are searched recursively, patterns ("*.jpg"), videos,
            camera:0, or - for a list of paths on standard input.
        every: distance of two frames of a video that are predicted.
        frames: frames of each video or camera; all by default.
        save: what is written: drawn, json, coco, voc, yolo, masks, color_masks, crops.
        coco_annotations: COCO annotation file whose ids of images (by file name) and categories
            (by name) the COCO results have.
    """

    images: list[str] = field(default_factory=list)
    every: int = 1
    frames: int | None = None
    save: list[str] = field(default_factory=lambda: list(DEFAULT))
    coco_annotations: str | None = None
