"""Size of the input, batch and length of a training, from its data, memory and cores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from densefit.tools.recipes.planning.fingerprint import Fingerprint
from densefit.tools.recipes.words.counted import counted

_STEP = 32  # pixels: the coarsest maps of backbones are of stride 32
_SMALLEST = 96  # pixels of a side
_CPU_PIXELS = 320 * 320  # of an image, on two cores; more cores compute more in the same time
_GPU_PIXELS = 640 * 640
_LEAST_SIDE = 16.0  # pixels of small objects in the input: twice the finest stride of detectors
_MORE_FOR_SMALL = 2.25  # times the pixels, where objects are small
_BYTES_PER_PIXEL = 2000.0  # SSD on MobileNetV2, 8 images of 320x320: 1,560 MiB with the process
_SHARE = 0.5  # of the free memory
_BATCHES = (2, 4, 8, 16, 32)
_LARGEST_ON_CPU = 8  # larger ones are not faster on CPUs
_LEAST_UPDATES = 4  # an epoch
_UPDATES_WITH_WEIGHTS, _UPDATES = 800, 2500
_EPOCHS = (12, 300)


@dataclass(frozen=True)
class Machine:
    """What computes.

    Attributes:
        cores: CPU cores of this process.
        memory: free bytes, of the GPU if there is one.
        is_gpu: whether a GPU trains.
    """

    cores: int
    memory: float | None
    is_gpu: bool = False

    @property
    def pixels(self) -> float:
        """Pixels of an image that trains in a reasonable time."""
        return _GPU_PIXELS if self.is_gpu else _CPU_PIXELS * min(max(self.cores / 2, 1.0), 4.0)


def image_size(
    data: Fingerprint, machine: Machine, most: int | None = None
) -> tuple[tuple[int, int], str]:
    """((height, width), why): the images' own size, with fewer pixels where it takes too long.

    Small objects get more pixels than others.

    Args:
        data: sizes of the images.
        machine: what computes.
        most: pixels that suffice for the tasks on any machine; None: as many as the machine trains.
    """
    height, width = data.median_size
    whole = float(height * width)
    area, why = min(whole, machine.pixels), "the images' median size"
    if most is not None and most < area:
        height, width = (round(side * math.sqrt(most / whole)) for side in (height, width))
        area = whole = float(most)
        why = f"the images' shape, with {math.isqrt(most)}x{math.isqrt(most)} pixels, as is usual"
    if area < whole:
        trains = f"{machine.cores} cores train" if machine.cores > 1 else "one core trains"
        trains = "a GPU trains" if machine.is_gpu else trains
        why = f"the images' shape, with the pixels that {trains} in good time"
        small = data.small_side
        if small and small * math.sqrt(area / whole) < _LEAST_SIDE:
            needed = whole * (_LEAST_SIDE / small) ** 2
            area = min(needed, whole, _MORE_FOR_SMALL * machine.pixels)
            why = f"larger, as a quarter of the objects are under {small:.0f} pixels"
    if not data.is_of_one_orientation:
        height = width = round(math.sqrt(height * width))
        why += "; square, as there are portraits and landscapes"
    scale = math.sqrt(area / (height * width))
    return (_rounded(height * scale), _rounded(width * scale)), why


def batch_size(samples: int, size: tuple[int, int], machine: Machine) -> tuple[int, str]:
    """(samples per update, why): as many as fit into memory, and leave some updates an epoch."""
    largest = _BATCHES[-1] if machine.is_gpu else _LARGEST_ON_CPU
    why = "usual on a GPU" if machine.is_gpu else "larger ones are not faster on CPUs"
    if machine.memory is not None:
        fitting = _SHARE * machine.memory / (_BYTES_PER_PIXEL * size[0] * size[1])
        if fitting < largest:
            largest, why = int(fitting), f"{machine.memory / 2**30:.1f} GiB of memory are free"
    if samples / _LEAST_UPDATES < largest:
        largest, why = samples // _LEAST_UPDATES, f"only {samples} images"
    return max([batch for batch in _BATCHES if batch <= largest], default=_BATCHES[0]), why


def epochs(samples: int, batch: int, has_weights: bool) -> tuple[int, str]:
    """(epochs, why): a usual number of updates, with or without pretrained weights."""
    per_epoch = max(1, samples // batch)
    updates = _UPDATES_WITH_WEIGHTS if has_weights else _UPDATES
    number = min(max(round(updates / per_epoch), _EPOCHS[0]), _EPOCHS[1])
    start = "from pretrained weights" if has_weights else "from scratch"
    return number, f"{counted(number * per_epoch, 'update')} {start}, {per_epoch} an epoch"


def _rounded(side: float) -> int:
    return max(_SMALLEST, round(side / _STEP) * _STEP)
