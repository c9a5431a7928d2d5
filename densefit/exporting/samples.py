"""Images, or inputs of a user's Symbol, that an exported model is checked or calibrated with."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from densefit.data.loader.loader import Loader
from densefit.data.transforms import Letterbox, Resize
from densefit.engine.batch_reader import BatchReader
from densefit.engine.model_input import batches_of as adapted_batches
from densefit.engine.model_input import model_input
from densefit.errors import ConfigError
from densefit.exporting.onnx.build import ModelSettings
from densefit.model.heads.raw_outputs import RawOutputHead
from densefit.model.network import Network

CHECKED = 8  # samples that are compared
_GENERATED_ROWS = 3  # of inputs of a Symbol


def transform_of(kind: str, image_size: tuple[int, int]) -> Any:
    """The transform that brings an image to the input of a model."""
    kinds = {"letterbox": Letterbox, "resize": Resize}
    if kind not in kinds:
        raise ConfigError(
            "Images are brought to the model's input by one of two ways",
            expected="resize='letterbox' (keeps the aspect ratio, pads) or 'resize'",
            received=f"resize={kind!r}",
        )
    return kinds[kind](*image_size)


def resize_of(data: Any, kind: str | None) -> dict[str, Any]:
    """How the data's transform brings images to the input: kind, and colour of the padding."""
    transform = getattr(data, "transform", None)
    last = [transform, *getattr(transform, "steps", ())][-1]
    if kind is None and isinstance(last, (Letterbox, Resize)):
        kind = "letterbox" if isinstance(last, Letterbox) else "resize"
    fill = getattr(last, "fill", 114) if isinstance(last, Letterbox) else 114
    return {"kind": kind or "letterbox", "fill": fill}


def size_of(data: Any) -> tuple[int, int] | None:
    """(height, width) of the images that a loader provides; None without a loader."""
    specs = getattr(data, "provide_data", None)
    if not specs or getattr(data, "sizes_vary", False):
        return None
    shape = specs[0][1]
    return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None


def images_of(data: Any, transform: Any, count: int) -> list[np.ndarray]:
    """(H, W, 3) uint8 images of the size of the input.

    Args:
        data: a loader or a dataset; None for generated images.
        transform: transform of a dataset's images.
        count: number of images, at most.
    """
    if data is None:
        return generated_images(transform.output_size, count)
    if not hasattr(data, "provide_data"):
        data = Loader(data, batch_size=4, transform=transform, workers=0, originals=False)
    images: list[np.ndarray] = []
    for batch in batches_of(data):
        rows = batch.data["data"][: batch.real]
        images += [np.ascontiguousarray(image.transpose(1, 2, 0)) for image in rows]
        if len(images) >= count:
            break
    if any(image.dtype != np.uint8 or image.shape[:2] != transform.output_size for image in images):
        raise ConfigError(
            "The data's images have another size than the exported model",
            expected=f"(3, {', '.join(map(str, transform.output_size))}) uint8",
            received=f"{images[0].transpose(2, 0, 1).shape} {images[0].dtype}",
            fix="image_size= of the loader's transform, or a dataset in place of the loader",
        )
    return images[:count]


def batches_of(data: Any) -> Iterator[Any]:
    """Batches of a loader, which is left at the start of an epoch."""
    try:
        yield from data
    finally:
        data.reset()


def generated_images(size: tuple[int, int], count: int) -> list[np.ndarray]:
    """Smooth noise with discs and rectangles in other colours."""
    rng = np.random.default_rng(0)
    height, width = size
    images = []
    for _ in range(count):
        cells = rng.integers(0, 256, (max(height // 16, 2), max(width // 16, 2), 3))
        image = cv2.resize(cells.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        for _ in range(4):
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            x, y = int(rng.integers(width)), int(rng.integers(height))
            side = int(rng.integers(4, max(min(size) // 3, 5)))
            if rng.random() < 0.5:
                cv2.circle(image, (x, y), side // 2, colour, -1)
            else:
                cv2.rectangle(image, (x, y), (x + side, y + side), colour, -1)
        images.append(image)
    return images


def symbol_inputs(network: Network, data: Any, settings: ModelSettings) -> dict[str, np.ndarray]:
    """Inputs of a user's Symbol: the first batch of the data, or small numbers.

    Args:
        network: network of the Symbol.
        data: see `symbol_batches`; None for generated numbers.
        settings: what the model computes.

    Raises:
        ConfigError: a batch of the data is smaller than the model's.
    """
    size = fixed_rows(settings)
    if data is None:
        rng = np.random.default_rng(0)
        rows = size or _GENERATED_ROWS
        return {
            name: rng.random([rows if side is None else side for side in shape], np.float32)
            for name, shape in settings.inputs.items()
        }
    batches = symbol_batches(network, data, settings.inputs)
    arrays = next(batches)
    batches.close()
    for name, array in arrays.items():
        fixed = settings.inputs[name][0] or settings.batch if array.ndim else None
        if fixed is not None and len(array) < fixed:
            raise ConfigError(
                "The data's batches are smaller than the batch of the model",
                expected=f"at least {fixed} rows of {name!r}",
                received=f"{len(array)} rows",
            )
        arrays[name] = array if fixed is None else array[:fixed]
    return arrays


def fixed_rows(settings: ModelSettings) -> int | None:
    """Number of samples that the model of a user's Symbol takes at once; None for any."""
    fixed = [shape[0] for shape in settings.inputs.values() if shape and shape[0] is not None]
    return settings.batch or (fixed[0] if fixed else None)


def _row_count(arrays: Mapping[str, np.ndarray]) -> int:
    return min(len(array) for array in arrays.values() if array.ndim)


def calibration_feeds(
    network: Network, data: Any, settings: ModelSettings, count: int
) -> list[dict[str, np.ndarray]]:
    """Inputs of a user's Symbol for up to about `count` samples, in the model's batch size.

    Args:
        network: network of the Symbol.
        data: see `symbol_batches`.
        settings: see `ModelSettings`.
        count: number of samples.
    """
    feeds: list[dict[str, np.ndarray]] = []
    taken = 0
    for arrays in symbol_batches(network, data, settings.inputs):
        rows = _row_count(arrays)
        size = fixed_rows(settings) or min(rows, count)
        for start in range(0, rows - size + 1, size):
            feeds.append({name: array[start : start + size] for name, array in arrays.items()})
            taken += size
        if taken >= count:
            break
    return feeds


def symbol_batches(
    network: Network, data: Any, shapes: Mapping[str, Sequence[int | None]]
) -> Generator[dict[str, np.ndarray], None, None]:
    """Inputs of a user's Symbol, batch by batch.

    Args:
        network: network of the Symbol.
        data: an iterator of batches, or of dicts; arrays (N, ...) by name, or a single array.
        shapes: input -> shape, None for the batch.

    Raises:
        ConfigError: the data lack an input.
    """
    if isinstance(data, np.ndarray):
        data = dict.fromkeys(shapes, data) if len(shapes) == 1 else {"data": data}
    if isinstance(data, Mapping) and {*shapes} <= {*data}:
        yield {name: np.asarray(data[name], np.float32) for name in shapes}
        return
    if isinstance(data, Mapping):
        data = [dict(data)]
    source = adapted_batches(data, model_input(network, None, None, None, train=data), "export")
    reader = BatchReader(source, [RawOutputHead([])], "export")
    try:
        yield from _inputs_of(reader, shapes)
    finally:
        if hasattr(data, "reset"):
            data.reset()  # it is left at the start of an epoch


def _inputs_of(
    reader: BatchReader, shapes: Mapping[str, Sequence[int | None]]
) -> Iterator[dict[str, np.ndarray]]:
    """The named arrays of each batch of a reader."""
    for batch in reader.batches(scoring=True):
        missing = sorted({*shapes} - {*batch.arrays})
        if missing:
            raise ConfigError(
                "The data lack inputs of the Symbol",
                expected=list(shapes),
                received=list(batch.arrays),
                fix=f"{', '.join(missing)} in each batch",
            )
        yield {name: batch.real_rows(np.asarray(batch.arrays[name], np.float32)) for name in shapes}
