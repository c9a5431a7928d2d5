"""All transforms under one name; importing this registers them."""

from __future__ import annotations

from densefit.data.affine import RandomAffine, RandomPerspective
from densefit.data.box_crop import RandomBoxCrop, RandomExpand
from densefit.data.color import ColorJitter
from densefit.data.crop import RandomCrop, RandomScaleCrop
from densefit.data.flip import RandomFlip, RandomRotate90
from densefit.data.rescale import RandomScale, ResizeSide
from densefit.data.resize import Letterbox, Resize
from densefit.data.target import KINDS, declare_target
from densefit.data.transform import Compose, Transform, transforms

__all__ = [
    "KINDS",
    "ColorJitter",
    "Compose",
    "Letterbox",
    "RandomAffine",
    "RandomBoxCrop",
    "RandomCrop",
    "RandomExpand",
    "RandomFlip",
    "RandomPerspective",
    "RandomRotate90",
    "RandomScale",
    "RandomScaleCrop",
    "Resize",
    "ResizeSide",
    "Transform",
    "declare_target",
    "transforms",
]
