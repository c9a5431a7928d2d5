"""Ground truth and prediction of each head side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from densefit.data.classes.class_matching import match_head
from densefit.data.loader.loader import Loader
from densefit.data.subset import Subset
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.predict import predict
from densefit.model.network import Network
from densefit.tools.report.pictures import (
    BYTES,
    readable_indices,
    resized,
    truth_and_prediction,
    write_image,
)
from densefit.visualize.grid import grid, tile_of

_CELLS = 36  # at most, so that a person sees the picture at a glance
_COLUMNS = 6  # three pairs of truth and prediction per row
_ALONE, _AMONG = 420, 300  # pixels of a tile's longer side: of a single head, of one of several
_NARROW = 1000  # pixels of width up to which two samples are drawn side by side


def write_panels(
    network: Network, data: Loader | Mapping[str, Loader], path: Path, count: int = 6
) -> None:
    """Write a PNG of `count` samples with ground truth and prediction of each head.

    Args:
        network: network with parameters.
        data: loader whose samples are drawn, evenly spread; for several datasets by name, with the
            heads that a dataset has targets for.
        path: path of the PNG file.
        count: largest number of samples, fewer with many heads; at least one of each dataset.
    """
    loaders = {"": data} if isinstance(data, Loader) else data
    count = min(count, max(2, _CELLS // (2 * len(network.heads))))
    shows_image = all(head.hides_image for head in network.heads)
    longer = _ALONE if len(network.heads) == 1 and not shows_image else _AMONG
    samples: list[tuple[list[np.ndarray], list[str]]] = []
    captions = []
    for loader in loaders.values():
        names = labelled_heads(network, [head.name for head in network.heads], loader)
        heads = [head for head in network.heads if head.name in names]
        indices = readable_indices(loader)
        chosen = [indices[k] for k in spread(len(indices), count // len(loaders))]
        subset = Subset(loader.dataset, chosen)
        sampled = Loader(subset, batch_size=len(subset), transform=loader.transform, workers=0)
        for index, (key, predictions) in enumerate(predict(network, sampled)):
            sample = subset[index]
            plain = resized(sample.image, longer, longer)
            cells = [plain] if shows_image else []
            cell_captions = ["image"] if shows_image else []
            for head in heads:
                targets = match_head(subset, head)(sample.targets)
                drawings = truth_and_prediction(
                    head, sample.image, targets, predictions[head.name], longer, longer
                )
                cells += drawings
                is_labelled = head.ground_truth(targets) is not None
                about = "" if len(network.heads) == 1 else f"{head.name}: "
                for name, drawing in zip(("truth", "prediction"), drawings):
                    is_empty = np.array_equal(drawing, plain)
                    text = f"{name}: nothing" if is_empty else name
                    is_missing = name == "truth" and not is_labelled
                    cell_captions.append(f"{about}{'unlabelled' if is_missing else text}")
            samples.append((cells, cell_captions))
            captions.append(key)
    tile = tile_of([cell for cells, _ in samples for cell in cells])
    blocks = [
        grid(cells, min(_COLUMNS + len(cells) % 2, len(cells)), cell_captions, gap=4, tile=tile)
        for cells, cell_captions in samples
    ]
    narrow = max(block.shape[1] for block in blocks) <= _NARROW
    picture = grid(blocks, columns=2 if narrow else 1, captions=captions, gap=12)
    write_image(path, picture, BYTES)


def spread(total: int, count: int) -> list[int]:
    """Spread up to `count` indices evenly over `range(total)`, at least one.

    >>> spread(10, 3), spread(2, 5), spread(9, 0)
    ([0, 4, 9], [0, 1], [0])
    """
    return sorted({round(k * (total - 1) / max(1, count - 1)) for k in range(max(1, count))})
