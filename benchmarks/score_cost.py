"""A ResNet-18 segmenter: the forward pass alone, and `df.score` on the same pictures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import densefit as df
from densefit.backend import mx
from densefit.engine.batch_reader import BatchReader
from densefit.engine.mxnet.evaluation.evaluator import ExecutorEvaluator
from densefit.engine.mxnet.learner import Learner
from densefit.evaluation.scorer import Scorer

CLASSES, SIZE, BATCH, PICTURES = 19, (384, 768), 2, 16


class Streets:
    """Random pictures with masks; every tenth row is ignored.

    Args:
        length: number of pictures.
        size: (height, width).
    """

    def __init__(self, length: int, size: tuple[int, int]) -> None:
        self.length, self.size = length, size
        self.classes = [str(index) for index in range(CLASSES)]
        rng = np.random.default_rng(0)
        self._images = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(4)]
        cells = [rng.integers(0, CLASSES, (-(-size[0] // 32), -(-size[1] // 32))) for _ in range(4)]
        self._masks = [
            cell.repeat(32, axis=0).repeat(32, axis=1)[: size[0], : size[1]].astype(np.uint8)
            for cell in cells
        ]
        for mask in self._masks:
            mask[::10] = 255

    def __len__(self) -> int:
        return self.length

    def id_of(self, index: int) -> str:
        """The index."""
        return str(index)

    def __getitem__(self, index: int) -> df.Sample:
        image, mask = self._images[index % 4].copy(), self._masks[index % 4].copy()
        return df.Sample(self.id_of(index), image, {"mask": mask})


def segmenter(size: tuple[int, int]) -> Any:
    """Make a ResNet-18 with DeepLabV3+, with random parameters."""
    network = df.Network("resnet18", [df.head("segmentation", classes=CLASSES)])
    symbol = network.graph("evaluate", size)
    shapes, _, auxiliary = symbol.infer_shape(data=(1, 3, *size))
    rng = np.random.default_rng(0)
    arguments = {
        name: rng.normal(0, 0.05, shape)
        for name, shape in zip(symbol.list_arguments(), shapes)
        if name != "data"
    }
    moving = {
        name: np.ones(shape) for name, shape in zip(symbol.list_auxiliary_states(), auxiliary)
    }
    network.set_params(
        {name: value.astype(np.float32) for name, value in arguments.items()},
        {name: value.astype(np.float32) for name, value in moving.items()},
    )
    return network


def forward_and_score(
    rounds: int, size: tuple[int, int] = SIZE, pictures: int = PICTURES
) -> tuple[list[float], list[float], str]:
    """Measure the forward pass alone and `df.score` in alternation.

    The forward pass alone runs on batches in memory, and waits for the outputs of each.

    Args:
        rounds: number of measurements of both.
        size: (height, width) of the pictures.
        pictures: their number.

    Returns:
        (seconds of the forward pass by round, seconds of `df.score` by round, description).
    """
    network = segmenter(size)
    dataset = Streets(pictures, size)
    loader = df.Loader(dataset, batch_size=BATCH)
    learner = Learner(network)
    reader = BatchReader(loader, list(network.adapters.values()), "benchmark")
    scorer_loader = df.Loader(dataset, batch_size=BATCH)
    batches = list(reader.batches())
    evaluator = ExecutorEvaluator(
        network, learner.devices, "raw"
    )  # the graph that `score` takes here
    for batch in batches:  # binds, and warms up
        evaluator.start(batch, reader, 0).read()
    forward, score = [], []
    df.score(network, scorer_loader)
    scorer = Scorer(learner, scorer_loader)  # as validation during a training uses it
    for turn in range(rounds):

        def alone() -> None:
            for batch in batches:
                for output in evaluator.start(batch, reader, 0).arrays.values():
                    output.wait_to_read()

        for work, times in ((alone, forward), (scorer.run, score))[:: 1 if turn % 2 else -1]:
            mx.nd.waitall()
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    scorer_loader.close()
    height, width = size
    about = (
        f"Scoring {pictures} pictures of {height}x{width}, {CLASSES} classes, DeepLabV3+ with "
        f"ResNet-18, batch {BATCH}, {rounds} rounds"
    )
    return forward, score, about
