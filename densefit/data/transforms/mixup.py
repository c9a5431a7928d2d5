"""Mixup: the weighted mean of two images."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import cv2
import numpy as np

from densefit.data.geometry.target_kinds import kind_of
from densefit.data.sample import Sample
from densefit.data.transforms.extra_samples import Draw
from densefit.data.transforms.merge_samples import (
    MAPS,
    Prepare,
    cannot_merge,
    common_targets,
    concatenate_rows,
    intersect_known_classes,
    merge_plain,
    merged_geometry,
    prepare_samples,
    renumber_instances,
)
from densefit.data.transforms.resize import Letterbox
from densefit.data.transforms.transform import checked_range, transforms


@transforms.register("mixup")
class Mixup:
    """Mix the image with a further one, and keep the boxes of both, with probability `p`.

    Zhang et al., "Bag of Freebies for Training Object Detection Neural Networks", 2019
    (arXiv:1902.04103), without object weights: all objects count fully, as in YOLOv5 and YOLOX. A
    large `alpha` keeps the weights of both images near one half. The further image is resized to
    fit into this one, keeping its aspect ratio.

    For heads that train on objects, keypoints or `labels`. A pixel of a mixed image has no single
    class, depth or object, and the image no single class: maps and `label` raise unless dropped.

    Args:
        p: probability.
        alpha: the weight of this image is drawn from Beta(alpha, alpha).
        drop: targets that mixed images do not have.
        prepare: (sample, rng) -> sample, applied to the further sample first.
    """

    others = 1

    def __init__(
        self,
        p: float = 0.5,
        alpha: float = 8.0,
        drop: Collection[str] = (),
        prepare: Prepare = None,
    ) -> None:
        self.p = checked_range("p", p, 0.0, 1.0, "Mixup")
        self.alpha = checked_range("alpha", alpha, 0.01, 1000.0, "Mixup")
        self.drop, self.prepare = tuple(drop), prepare

    def __call__(self, sample: Sample, rng: np.random.Generator, draw: Draw) -> Sample:
        """Mix the sample with a further one with probability `p`."""
        if rng.random() >= self.p:
            return sample
        sample, other = intersect_known_classes(
            [sample, *prepare_samples(draw(1), self.prepare, rng)]
        )
        share = rng.beta(self.alpha, self.alpha)
        names = common_targets([sample, other], self.drop)
        for name in names:
            if kind_of(name, sample.targets[name]).name in MAPS:
                raise cannot_merge(name, [sample, other], "Mixup")
        other = replace(other, targets={name: other.targets[name] for name in names})
        other = Letterbox(*sample.image.shape[:2])(other, rng)
        both = renumber_instances([sample, other])
        targets = {}
        for name in names:
            arrays = [each.targets[name] for each in both]
            if kind_of(name, arrays[0]).name == "plain":
                targets[name] = merge_plain(name, both, "Mixup", either=True)
            else:
                targets[name] = concatenate_rows(arrays)
        image = cv2.addWeighted(sample.image, share, other.image, 1 - share, 0)
        geometry = merged_geometry(sample, image.shape, "it was mixed with another image")
        return replace(sample, image=np.asarray(image), targets=targets, geometry=geometry)

    def __repr__(self) -> str:
        about = "" if self.prepare is None else f", prepare={self.prepare!r}"
        return f"Mixup({self.p}, {self.alpha}, drop={self.drop}{about})"
