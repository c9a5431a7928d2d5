"""Ground truth and prediction of each head side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from densefit.data.classes.class_matching import match_head
from densefit.data.loader.loader import Loader
from densefit.data.subset import Subset
from densefit.evaluation.labelled_heads import labelled_heads
from densefit.evaluation.predict import predict
from densefit.model.network import Network
from densefit.tools.report.pictures import (
    BYTES,
    readable_indices,
    truth_and_prediction,
    write_image,
)
from densefit.visualize.grid import grid

_COLUMNS = 6  # three pairs of truth and prediction per row
_SMALLEST, _LARGEST = 240, 400  # pixels of a cell's longer side
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
        count: number of samples; at least one of each dataset.
    """
    loaders = {"": data} if isinstance(data, Loader) else data
    blocks, captions = [], []
    for loader in loaders.values():
        names = labelled_heads(network, [head.name for head in network.heads], loader)
        heads = [head for head in network.heads if head.name in names]
        indices = readable_indices(loader)
        chosen = [indices[k] for k in spread(len(indices), count // len(loaders))]
        subset = Subset(loader.dataset, chosen)
        sampled = Loader(subset, batch_size=len(subset), transform=loader.transform, workers=0)
        for index, (key, predictions) in enumerate(predict(network, sampled)):
            sample = subset[index]
            cells, cell_captions = [], []
            for head in heads:
                targets = match_head(subset, head)(sample.targets)
                cells += truth_and_prediction(
                    head, sample.image, targets, predictions[head.name], _SMALLEST, _LARGEST
                )
                is_labelled = head.ground_truth(targets) is not None
                cell_captions += [
                    f"{head.name}: {'truth' if is_labelled else 'unlabelled'}",
                    f"{head.name}: prediction",
                ]
            blocks.append(grid(cells, min(_COLUMNS, len(cells)), cell_captions, gap=4))
            captions.append(key)
    narrow = max(block.shape[1] for block in blocks) <= _NARROW
    picture = grid(blocks, columns=2 if narrow else 1, captions=captions, gap=12)
    write_image(path, picture, BYTES)


def spread(total: int, count: int) -> list[int]:
    """Spread up to `count` indices evenly over `range(total)`, at least one.

    >>> spread(10, 3), spread(2, 5), spread(9, 0)
    ([0, 4, 9], [0, 1], [0])
    """
    return sorted({round(k * (total - 1) / max(1, count - 1)) for k in range(max(1, count))})
