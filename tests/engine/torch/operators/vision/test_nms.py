"""Suppression keeps the boxes that MXNet keeps, in its order."""

import numpy as np
import pytest
import torch

from densefit.backend import mx
from densefit.engine.torch.operators.vision import nms


def rows(seed, shape, classes=4, ties=True, background=True):
    """(..., N, 7) [class, score, box, number]: overlapping boxes, scores with ties and nan."""
    random = np.random.RandomState(seed)
    low = random.uniform(-0.2, 0.8, (*shape, 2))
    size = random.uniform(-0.05, 0.4, (*shape, 2))
    scores = random.uniform(-0.1, 1, shape)
    if ties:
        scores = np.round(scores, 1)
        scores[random.uniform(size=shape) < 0.02] = np.nan
    labels = random.randint(-1 if background else 0, classes, shape)
    number = np.arange(np.prod(shape)).reshape(shape)
    return np.concatenate(
        [labels[..., None], scores[..., None], low, low + size, number[..., None]], axis=-1
    ).astype(np.float32)


@pytest.mark.parametrize("format", ["corner", "center"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"id_index": 0},
        {"id_index": 0, "force_suppress": True},
        {"id_index": 0, "background_id": 2, "valid_thresh": 0.3},
        {"topk": 17, "overlap_thresh": 0.1},
        {"topk": 0},
        {"overlap_thresh": 0.0},
        {"overlap_thresh": 1.0},
        {"valid_thresh": 2.0},
        {"valid_thresh": -1.0, "id_index": 0, "topk": 1000},
    ],
    ids=str,
)
def test_it_equals_mxnet(compare, settings, format):
    other = {"corner": "center", "center": "corner"}[format]
    for out_format in (format, other):
        symbol = mx.sym.contrib.box_nms(
            mx.sym.Variable("data"), in_format=format, out_format=out_format, **settings
        )
        for seed, shape in enumerate([(1, 1), (90,), (3, 60), (2, 2, 25)]):
            same = out_format == format  # MXNet's gradient leaves out the conversion
            compare(symbol, {"data": rows(seed, shape)}, ["data"] if same else [], rtol=1e-6)


def test_blocks_of_candidates_change_nothing(compare, monkeypatch):
    monkeypatch.setattr(nms, "_BLOCK", 7)
    symbol = mx.sym.contrib.box_nms(mx.sym.Variable("data"), id_index=0, overlap_thresh=0.3)
    compare(symbol, {"data": rows(5, (3, 100), classes=2)}, ["data"])


def test_chains_of_overlaps_are_followed_to_their_end(compare):
    # Each box overlaps only its neighbours: every second one stays.
    left = np.arange(50, dtype=np.float32)[:, None]
    boxes = np.concatenate([left * 0, 1 - left / 100, left, left * 0, left + 3, left * 0 + 1], 1)
    symbol = mx.sym.contrib.box_nms(mx.sym.Variable("data"), overlap_thresh=0.45)
    (output,), _ = compare(symbol, {"data": boxes})
    assert (output[:, 1] >= 0).sum() == 25


def test_infinite_and_missing_coordinates(compare):
    data = rows(1, (2, 40))
    data[0, ::5, 3] = np.nan
    data[1, ::7, 4] = np.inf
    data[1, ::6, 1] = np.inf
    compare(mx.sym.contrib.box_nms(mx.sym.Variable("data"), id_index=0), {"data": data})


def test_shapes_are_known_without_values():
    from densefit.engine.torch.program import Program, Run
    from densefit.model.symbol_graph import SymbolGraph

    symbol = mx.sym.contrib.box_nms(mx.sym.Variable("data"), id_index=0, topk=9)
    program = Program(SymbolGraph.of(symbol))
    (output,) = program({"data": torch.zeros(2, 30, 6, device="meta")}, Run())
    assert output.shape == (2, 30, 6)
