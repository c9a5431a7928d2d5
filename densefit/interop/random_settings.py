"""Random augmentation in iterators and DataLoaders, by which each pass has other pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Settings of MXNet's C++ iterators that are random if true, or not 0.
_AMOUNTS = (
    "rand_crop",
    "random_resized_crop",
    "rand_mirror",
    "max_rotate_angle",
    "max_aspect_ratio",
    "max_shear_ratio",
    "brightness",
    "contrast",
    "saturation",
    "pca_noise",
    "random_h",
    "random_s",
    "random_l",
    "max_random_contrast",
    "max_random_illumination",
    "rand_crop_prob",
    "rand_pad_prob",
    "rand_mirror_prob",
    "random_hue_prob",
    "random_saturation_prob",
    "random_illumination_prob",
    "random_contrast_prob",
)
#: Range settings, random if the ends differ: (lower end, upper end, default of both).
_RANGES = (
    ("min_random_scale", "max_random_scale", 1.0),
    ("min_random_area", "max_random_area", 1.0),
    ("min_crop_size", "max_crop_size", -1.0),
)
#: Augmenters of `mx.image` -> attribute that is 0 if the augmenter is inactive; None: never.
_AUGMENTERS = {
    "RandomCropAug": None,
    "RandomSizedCropAug": None,
    "HorizontalFlipAug": "p",
    "BrightnessJitterAug": "brightness",
    "ContrastJitterAug": "contrast",
    "SaturationJitterAug": "saturation",
    "HueJitterAug": "hue",
    "LightingAug": "alphastd",
    "RandomGrayAug": "p",
    "DetHorizontalFlipAug": "p",
    "DetRandomCropAug": None,
    "DetRandomPadAug": None,
}
_PACKAGES = ("mxnet.gluon.data.vision", "torchvision.transforms")
_TRANSFORMS = ("Rand", "ColorJitter", "AutoAugment", "TrivialAugment", "AugMix", "Elastic")
#: Attributes in which augmenters, transforms and datasets hold nested ones.
_PARTS = frozenset(
    ("ts", "augmenter", "aug_list", "_fn", "_data", "_children", "_transform")
    + ("dataset", "transform", "transforms", "datasets")
)
_DEPTH = 8


def random_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return the random settings of a C++ iterator.

    >>> random_settings({"rand_crop": True, "rand_mirror": 0, "max_random_scale": 1.2})
    ['rand_crop=True', 'max_random_scale=1.2']
    """
    names = [name for name in _AMOUNTS if _number(settings.get(name)) not in (0, None)]
    for lower, upper, default in _RANGES:
        ends = [_number(settings.get(name, default)) for name in (lower, upper)]
        if ends[0] != ends[1]:
            names += [name for name in (lower, upper) if name in settings]
    if _number(settings.get("inter_method")) == 10:
        names.append("inter_method")
    return [f"{name}={settings[name]}" for name in names]


def random_parts(container: Any) -> list[str]:
    """Return names of the random augmenters or transforms in a list, an augmenter or a dataset."""
    return list(dict.fromkeys(_parts(container, _DEPTH)))


def _parts(element: Any, depth: int) -> Iterator[str]:
    kind = type(element)
    name = kind.__name__
    if kind.__module__.startswith("mxnet.image") and name in _AUGMENTERS:
        amount = _AUGMENTERS[name]
        if not _is_certain(element, name) and (
            amount is None or getattr(element, amount, None) != 0
        ):
            yield name
    elif kind.__module__.startswith(_PACKAGES) and name.startswith(_TRANSFORMS):
        if not _is_certain(element, name):
            yield name
    elif depth:
        for part in _inside(element):
            yield from _parts(part, depth - 1)


def _is_certain(transform: Any, name: str) -> bool:
    """Return whether a transform is deterministic: of probability 0, or a flip of 1."""
    chance = getattr(transform, "p", None)
    return isinstance(chance, (int, float)) and (chance == 0 or (chance == 1 and "Flip" in name))


def _inside(container: Any) -> Iterable[Any]:
    if isinstance(container, Mapping):
        return list(container.values())
    if isinstance(container, (list, tuple)):
        return container[:100] if all(callable(part) for part in container[:1]) else ()
    return [part for name, part in getattr(container, "__dict__", {}).items() if name in _PARTS]


def _number(value: Any) -> float | None:
    """Parse a setting, as C++ reads it from text; None if it is not a number."""
    try:
        return float({"true": 1, "false": 0}.get(str(value).lower(), value))
    except (TypeError, ValueError):
        return None
