"""Outputs of a head that are finished in numpy on the host, where that is faster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.model.heads.features import Features


class HostOutputs(ABC):
    """Optional part of a head: a postprocessing step on the host, and rows per sample.

    For heads whose last step is faster in numpy than on MXNet's CPU, e.g. an argmax over all
    pixels. On a CPU, scores and predictions run `raw_outputs` and `postprocess`; a GPU and an
    exported network run `evaluate` alone.
    """

    @abstractmethod
    def evaluate(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name; see `Head.evaluate`."""

    def raw_outputs(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name, from which `postprocess` computes the outputs of `evaluate`.

        The outputs of `evaluate` by default.
        """
        return self.evaluate(features)

    def postprocess(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """Compute the outputs of `evaluate` from the outputs of `raw_outputs`, sample by sample.

        Args:
            outputs: outputs of n samples, by name.
            input_size: (height, width) of the network's input.
        """
        return dict(outputs)

    def rows(self, output: str) -> int:
        """Rows of axis 0 of an output that belong to one sample."""
        return 1

    @property
    def has_postprocess(self) -> bool:
        """Whether `raw_outputs` and `postprocess` compute the outputs of the head's `evaluate`.

        They do not if a subclass overrides `evaluate` alone.
        """
        order = type(self).__mro__
        depth = {
            name: next(number for number, kind in enumerate(order) if name in vars(kind))
            for name in ("evaluate", "raw_outputs", "postprocess")
        }
        return depth["evaluate"] >= max(depth["raw_outputs"], depth["postprocess"])
