"""Suppression on the host selects what MXNet's operator in the graph does."""

import numpy as np

from densefit.engine.onnx.suppress import suppressed
from densefit.symbol import sym
from tests.executor import compute


def test_it_equals_box_nms():
    rng = np.random.default_rng(0)
    rows = np.zeros((3, 200, 7), np.float32)
    rows[..., 0] = rng.integers(0, 3, (3, 200))
    rows[..., 1] = -np.sort(-rng.random((3, 200)))
    rows[..., 2:4] = rng.random((3, 200, 2)) * 40
    rows[..., 4:6] = rows[..., 2:4] + 5 + rng.random((3, 200, 2)) * 10
    rows[..., 6] = np.arange(200)
    settings = {"coord_start": 2, "score_index": 1, "id_index": 0, "topk": -1}
    symbol = sym.contrib.box_nms(
        sym.Variable("rows"), overlap_thresh=0.45, valid_thresh=0.3, **settings
    )
    in_graph = compute(symbol, {"rows": rows})[0][:, :50]
    masks = np.arange(600).reshape(3, 200, 1)
    outputs = suppressed({"rows": rows, "masks": masks}, "rows", 0.45, 0.3, 50)
    np.testing.assert_array_equal(outputs["rows"], in_graph)
    used = in_graph[..., 0] >= 0
    assert 0 < used.sum() < used.size or used.all()
    row_of = outputs["masks"][..., 0] % 200
    np.testing.assert_array_equal(row_of[used], in_graph[..., 6][used])


def test_an_image_without_detections_has_unused_rows():
    rows = np.full((1, 4, 6), 0.1, np.float32)
    outputs = suppressed({"rows": rows}, "rows", 0.45, 0.3, 10)
    assert outputs["rows"].shape == (1, 4, 6)
    assert (outputs["rows"] == -1).all()
