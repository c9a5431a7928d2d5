"""All transforms under one name; importing this registers them."""

from __future__ import annotations

from densefit.data.geometry.box_members import declare_boxes
from densefit.data.geometry.target_kinds import KINDS, declare_target
from densefit.data.transforms.affine import RandomAffine, RandomPerspective
from densefit.data.transforms.albumentations import Albumentations
from densefit.data.transforms.blur import RandomBlur, RandomMotionBlur
from densefit.data.transforms.box_crop import RandomBoxCrop, RandomExpand
from densefit.data.transforms.by_dataset import ByDataset
from densefit.data.transforms.color import ColorJitter, RandomGray
from densefit.data.transforms.copy_paste import CopyPaste
from densefit.data.transforms.crop import RandomCrop, RandomScaleCrop
from densefit.data.transforms.erase import Cutout, RandomErase
from densefit.data.transforms.flip import RandomFlip, RandomRotate90
from densefit.data.transforms.mask_crop import RandomMaskCrop
from densefit.data.transforms.mixup import Mixup
from densefit.data.transforms.mosaic import Mosaic
from densefit.data.transforms.noise import RandomJPEG, RandomNoise
from densefit.data.transforms.rescale import RandomScale, ResizeSide
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.data.transforms.transform import Compose, Transform, transforms

__all__ = [
    "Albumentations",
    "ByDataset",
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
    "declare_boxes",
    "declare_target",
    "transforms",
]
