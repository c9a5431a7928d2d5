"""The segmentation head: a decoder trained at stride 4, scored at original size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry
from densefit.engine.map_averaging import ClassMapMerger
from densefit.errors import ConfigError, located
from densefit.metrics import ConfusionMatrix, Metric
from densefit.model.decoders import LOGIT_STRIDE, make_decoder
from densefit.model.distillation.losses import class_divergence
from densefit.model.heads.head import Features, Head, class_names, heads, named_rows
from densefit.model.heads.program_lines import write_mask
from densefit.model.heads.teachable import once_per_features
from densefit.model.layers import strongest, upsample
from densefit.model.loss_weights import class_weights as weights_of_classes
from densefit.model.losses import make_losses
from densefit.model.tta.view_merger import Merger
from densefit.numeric import real
from densefit.registry import nearest
from densefit.symbol import sym
from densefit.visualize.drawing import draw_mask

from .class_maps import to_original, upsampled_argmax
from .encoding import IGNORE, MaskEncoding
from .training import MaskTraining


@heads.register("segmentation")
class Segmentation(MaskEncoding, MaskTraining, Head):
    """A class for every pixel.

    Needs a target `mask`: (H, W) uint8 class indices, 255 for void. The loss is computed at a
    quarter of the input size (at full size it would cost as much as the backbone), over the valid
    cells of an image: cross-entropy, or others of `densefit.model.losses`. The output is the argmax
    of the logits, upsampled to the input size on the device: bytes are transferred, not logits.

    Args:
        classes: names of the classes, or their number.
        name: prefix of outputs and parameters.
        weight: factor on the loss.
        decoder: "deeplabv3+", "ddrnet", "fcn", "lraspp", "pspnet", "segformer", "unet", or a
            registered one.
        channels: width of the decoder; None: its default.
        rates: dilations of the atrous pyramid of "deeplabv3+"; None: 6, 12 and 18.
        decoder_settings: further settings of the decoder.
        loss: name of a loss, or a map of names to factors for a sum, such as `{cross_entropy: 1,
            dice: 1}`; a factor may be a map of the loss's settings, with `weight` for the factor.
        auxiliary: factor on the same loss of an auxiliary FCN on the backbone's map of stride 16
            (or its deepest, if that is less deep), which exists in training only; 0.4 in the PSPNet
            paper. 0: none.
        class_weights: factor on each class's pixels in the loss; 1 by default. In a recipe `auto`
            sets them by median frequency in the training data (see `median_frequency_weights`).
        target: name of the target to learn, so that two heads can learn different masks. A new
            target is first declared to the transforms: `declare_target("parts", "map", 255)` of
            `densefit.data.transforms`.
        background: name of the class that includes pixels of classes a sample does not annotate
            (`known_mask_classes`, or `known_<target>_classes` of another target): its pixels do
            not train the scores of these classes. None: all pixels are what they are labelled as;
            a warning is logged for the first sample that does not annotate all classes.

    Raises:
        ConfigError: unknown decoder, too many or duplicate classes, another number of weights, or
            a background that is no class.
    """

    class_target = "mask"

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "segmentation",
        weight: float = 1.0,
        decoder: str = "deeplabv3+",
        channels: int | None = None,
        rates: Sequence[int] | None = None,
        class_weights: Sequence[float] | None = None,
        target: str = "mask",
        background: str | None = None,
        decoder_settings: Mapping[str, Any] | None = None,
        loss: str | Mapping[str, Any] = "cross_entropy",
        auxiliary: float = 0.0,
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
            self.decoder = make_decoder(decoder, channels, rates, decoder_settings)
            self.losses = make_losses(loss)
            self.auxiliary = real(auxiliary, "auxiliary", least=0.0)
        self.target, self.targets, self.class_target = target, (target,), target
        self.output_stride = self.decoder.output_stride
        # One entry for every byte: void and other values have no weight.
        self._class_weights = np.zeros(256, np.float32)
        self._class_weights[: len(self.classes)] = weights

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the last layers."""
        layers = ["logits", "auxiliary_logits", *(f"score{stride}" for stride in (4, 8, 16, 32))]
        names = self.names(self.target)
        return named_rows(names, *(f"{self.name}_{layer}" for layer in layers))

    @once_per_features
    def _logits(self, features: Features) -> Any:
        return self.decoder(features, self.name, len(self.classes))

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`logits`: (B, C, h, w) at a quarter of the input size."""
        return {"logits": self._logits(features)}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) mean divergence of the cells' class probabilities, Hinton et al. 2015."""
        return class_divergence(student["logits"], teacher["logits"], temperature)

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
        """`mask` as from `evaluate`, up to rounding of the logits."""
        logits = outputs["logits"]
        return {
            "mask": np.stack(
                [upsampled_argmax(scores, LOGIT_STRIDE, input_size) for scores in logits]
            )
        }

    def view_outputs(self, features: Features) -> dict[str, Any]:
        """`scores`: (B, C, H, W) probabilities at input size."""
        return {"scores": sym.softmax(self._full(features), axis=1)}

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger that averages probabilities at the original size, on the device."""
        return ClassMapMerger(size, "scores")

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(H, W) uint8 masks at the size of each original image."""
        return [to_original(mask, geometry) for mask, geometry in zip(outputs["mask"], geometries)]

    def program_lines(self) -> str:
        """Lines that write the mask."""
        return write_mask(self.name, "mask")

    def metrics(self) -> list[Metric]:
        """mIoU, pixel accuracy and per-class IoU, from one confusion matrix."""
        return [ConfusionMatrix(classes=self.classes, ignore_label=IGNORE)]

    resizable = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """The coloured mask over the image, with a legend."""
        return draw_mask(image, prediction, self.classes)

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The true mask over the image, which shows where it is void."""
        return draw_mask(image, truth, self.classes, hidden=(IGNORE,))
