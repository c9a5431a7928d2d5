"""The segmentation head: FCN or DeepLabV3+, trained at stride 4, scored at original size."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from densefit.backend import mx
from densefit.data.classes.known_classes import known_classes, known_name
from densefit.data.geometry.strided_map import cell_centres, grid_size
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError, located
from densefit.metrics import ConfusionMatrix, Metric
from densefit.model.decoders import LOGIT_STRIDE, Decoder
from densefit.model.heads.head import Features, Head, Label, class_names, heads, named_rows
from densefit.model.layers import strongest, upsample
from densefit.model.loss_weights import class_weights as weights_of_classes
from densefit.model.partial_softmax import partial_log_softmax
from densefit.model.tta.view_merger import Merger
from densefit.once import first_time
from densefit.registry import nearest
from densefit.visualize.drawing import draw_mask

from .merge import MaskMerger
from .strongest import strongest_classes

IGNORE = 255
_log = logging.getLogger("densefit")


@heads.register("segmentation")
class Segmentation(Head):
    """A class for every pixel.

    Needs a target `mask`: (H, W) uint8 class indices, 255 where nothing is known. The loss is
    cross-entropy at a quarter of the input size (at full size it would cost as much as the
    backbone), a weighted mean over the valid cells of a picture.
    The output is the argmax of the logits, enlarged to the input size on the device: bytes, not
    logits, come back.

    Args:
        classes: names of the classes, or how many.
        name: prefix of outputs and parameters.
        weight: factor on the loss.
        decoder: "deeplabv3+" or "fcn".
        channels: width of the decoder.
        rates: dilations of the atrous pyramid.
        class_weights: a factor on each class's pixels in the loss; 1 by default.
        target: name of the target to learn, so that two heads can learn different masks; one of
            your own is first declared to the transforms: `declare_target("parts", "map", 255)`
            of `densefit.data.transforms`.
        background: name of the class under which a sample hides those that it does not know
            (`known_mask_classes`, or `known_<target>_classes` of another target): its pixels
            train no score of these. None: there is no such class, and every pixel is what it is
            marked as; the first sample that does not know all classes is told in the log.

    Raises:
        ConfigError: unknown decoder, classes that are too many or alike, weights of another
            number, or a background that is no class.
    """

    class_target = "mask"

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "segmentation",
        weight: float = 1.0,
        decoder: str = "deeplabv3+",
        channels: int = 128,
        rates: Sequence[int] = (6, 12, 18),
        class_weights: Sequence[float] | None = None,
        target: str = "mask",
        background: str | None = None,
    ) -> None:
        self.classes = class_names(classes)
        if not 1 < len(set(self.classes)) == len(self.classes) < IGNORE:
            raise ConfigError(
                "Segmentation needs 2 to 254 classes of different names",
                received=f"{len(self.classes)}: {self.classes}",
                where=name,
            )
        weights = weights_of_classes(class_weights, len(self.classes), f"head {name!r}")
        if background is not None and background not in self.classes:
            raise ConfigError(
                f"The background {background!r} is no class",
                expected=f"one of {', '.join(self.classes)}",
                where=name,
                fix=nearest(background, self.classes),
            )
        self.background = None if background is None else self.classes.index(background)
        self.name, self.weight = name, weight
        with located(f"head {name!r}"):
            self.decoder = Decoder(decoder, channels, rates)
        self.target, self.targets, self.class_target = target, (target,), target
        self.output_stride = self.decoder.output_stride
        # one entry for every byte; what is no class weighs nothing
        self._weight_of = np.zeros(256, np.float32)
        self._weight_of[: len(self.classes)] = weights

    def class_rows(self) -> dict[str, list[Any]]:
        """The rows of the last layer, or of those that are added up."""
        layers = ["logits", *(f"score{stride}" for stride in (4, 8, 16, 32))]
        names = self.names(self.target)
        return named_rows(names, *(f"{self.name}_{layer}" for layer in layers))

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`mask`: class indices; `weight`: what each cell counts, adding up to 1.

        With a background also `known` (classes,): 0 for classes that the sample does not know.
        """
        size = grid_size(input_size, LOGIT_STRIDE)
        made = [Label("mask", size), Label("weight", size)]
        return made if self.background is None else [*made, Label("known", (len(self.classes),))]

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Not where every cell is void."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """The mask at every fourth pixel, and the cells' weights.

        A sample that does not have the target at all trains nothing.

        Raises:
            DataError: a value that is neither a class nor 255.
        """
        mask = sample.targets.get(self.target)
        if mask is None:
            nothing = np.zeros(grid_size(sample.image.shape, LOGIT_STRIDE), np.float32)
            return {"mask": nothing, "weight": nothing, **self._known(sample)}
        small = cell_centres(mask, LOGIT_STRIDE)
        if ((small >= len(self.classes)) & (small != IGNORE)).any():
            raise DataError(
                "A mask holds a value that is no class",
                expected=f"0 to {len(self.classes) - 1}, or {IGNORE} to ignore",
                received=f"values {np.unique(mask).tolist()}",
                where=f"head {self.name}, sample {sample.id}",
            )
        weight = self._weight_of[small]
        total = weight.sum()
        return {
            "mask": np.where(small == IGNORE, 0, small).astype(np.float32),
            "weight": weight / total if total > 0 else weight,
            **self._known(sample),
        }

    def _known(self, sample: Sample) -> dict[str, np.ndarray]:
        if self.background is None:
            self._tell_unknown(sample.targets, f"sample {sample.id}")
            return {}
        known = self.known(sample.targets, f"head {self.name}, sample {sample.id}")
        return {"known": known.astype(np.float32)}

    def _tell_unknown(self, targets: Mapping[str, np.ndarray], where: str) -> None:
        """Warn once of classes that a sample does not know, and may hide under another one."""
        if known_name(self.target) not in targets:
            return
        known = self.known(targets, f"head {self.name}, {where}")
        if not known.all() and first_time("no background", self.name, *self.classes):
            unknown = [name for name, has in zip(self.classes, known) if not has]
            _log.warning(
                "The head %r has no background, and samples whose %s does not tell of all classes "
                "(%s): each pixel counts as what it is marked as. If pixels of these are marked as "
                "another class, name it, background=NAME; nothing is wrong if they are void (%d)",
                *(self.name, self.target, f"{where} not of {', '.join(unknown[:5])}", IGNORE),
            )

    def known(self, targets: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        """Of which classes a sample's mask tells, (classes,) bool; of the background always.

        Raises:
            DataError: it tells of another number of classes.
        """
        known = known_classes(targets, len(self.classes), where, self.target)
        if self.background is not None:
            known[self.background] = True
        return known

    def _logits(self, features: Features) -> Any:
        return self.decoder(features, self.name, len(self.classes))

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss`: weighted mean cross-entropy over the cells of each picture."""
        logits = self._logits(features)
        if self.background is None:
            log_probability = mx.sym.log_softmax(logits, axis=1)
        else:
            known = mx.sym.reshape(labels["known"], shape=(0, 0, 1, 1))
            hides = mx.sym.expand_dims(labels["mask"] == self.background, axis=1)
            log_probability = partial_log_softmax(logits, known, hides, axis=1)
        entropy = -mx.sym.pick(log_probability, labels["mask"], axis=1)
        return {"loss": mx.sym.sum(entropy * labels["weight"], axis=(1, 2))}

    def _full(self, features: Features) -> Any:
        """Logits at input size."""
        return upsample(
            self._logits(features), LOGIT_STRIDE, features.size(LOGIT_STRIDE), features.input_size
        )

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`mask`: (B, H, W) uint8 class indices at input size."""
        size = features.size(LOGIT_STRIDE)
        return {"mask": strongest(self._logits(features), LOGIT_STRIDE, size, features.input_size)}

    def raw_outputs(self, features: Features) -> dict[str, Any]:
        """`logits`: (B, C, h, w) at a quarter of the input size."""
        return {"logits": self._logits(features)}

    def postprocess(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """`mask` as `evaluate` gives it, up to the rounding of logits."""
        logits = outputs["logits"]
        return {
            "mask": np.stack([strongest_classes(one, LOGIT_STRIDE, input_size) for one in logits])
        }

    def view_outputs(self, features: Features) -> dict[str, Any]:
        """`scores`: (B, C, H, W) probabilities at input size."""
        return {"scores": mx.sym.softmax(self._full(features), axis=1)}

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """Averages probabilities at the original size, on the device."""
        return MaskMerger(size)

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(H, W) uint8 masks at the size of each original image."""
        return [to_original(mask, geometry) for mask, geometry in zip(outputs["mask"], geometries)]

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The original mask, None if there is none."""
        return targets.get(self.target)

    def filter_prediction(
        self, prediction: np.ndarray, targets: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Classes that the sample does not know are background in its mask, and so here."""
        if self.background is None:
            self._tell_unknown(targets, "scoring")
            return prediction
        known = self.known(targets, f"head {self.name}")
        if known.all():
            return prediction
        names = np.arange(len(known), dtype=prediction.dtype)
        return np.where(known, names, np.array(self.background, names.dtype))[prediction]

    def metrics(self) -> list[Metric]:
        """mIoU, pixel accuracy and per-class IoU, from one confusion matrix."""
        return [ConfusionMatrix(classes=self.classes, ignore_label=IGNORE)]

    resizable = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """The image under the coloured mask, with a legend of the classes seen."""
        return draw_mask(image, prediction, self.classes)

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The same of the true mask; what counts nowhere (255) keeps its colours."""
        return draw_mask(image, truth, self.classes, hidden=(IGNORE,))


def to_original(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Resample an input-size mask at the pixel centres of the original image (nearest)."""
    height, width = geometry.size
    if mask.shape == (height, width) and np.allclose(geometry.matrix, np.eye(2, 3)):
        return mask
    # warpAffine wants the map between pixel indices; ours is between continuous coordinates
    matrix = geometry.matrix.copy()
    matrix[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1]) - 0.5
    return cv2.warpAffine(
        mask,
        matrix,
        (width, height),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
