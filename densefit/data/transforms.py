"""All transforms under one name; importing this registers them."""

from __future__ import annotations

from densefit.data.affine import RandomAffine, RandomPerspective
from densefit.data.albumentations import Albumentations
from densefit.data.blur import RandomBlur, RandomMotionBlur
from densefit.data.box_crop import RandomBoxCrop, RandomExpand
from densefit.data.color import ColorJitter, RandomGray
from densefit.data.copy_paste import CopyPaste
from densefit.data.crop import RandomCrop, RandomScaleCrop
from densefit.data.erase import Cutout, RandomErase
from densefit.data.flip import RandomFlip, RandomRotate90
from densefit.data.mask_crop import RandomMaskCrop
from densefit.data.mixup import Mixup
from densefit.data.mosaic import Mosaic
from densefit.data.noise import RandomJPEG, RandomNoise
from densefit.data.rescale import RandomScale, ResizeSide
from densefit.data.resize import Letterbox, Resize
from densefit.data.target import KINDS, declare_target
from densefit.data.transform import Compose, Transform, transforms

__all__ = [
    "Albumentations",
    "ColorJitter",
    "Compose",
    "CopyPaste",
    "Cutout",
    "KINDS",
    "Letterbox",
    "Mixup",
    "Mosaic",
    "RandomAffine",
    "RandomBlur",
    "RandomBoxCrop",
    "RandomCrop",
    "RandomErase",
    "RandomExpand",
    "RandomFlip",
    "RandomGray",
    "RandomJPEG",
    "RandomMaskCrop",
    "RandomMotionBlur",
    "RandomNoise",
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
