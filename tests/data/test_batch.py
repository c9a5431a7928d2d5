import numpy as np
import pytest

from densefit.data.batch import ArraySpec, Batch


def batch(rows=4, real=3):
    data = {"data": np.arange(rows)[:, None], "more": np.zeros((rows, 2))}
    return Batch(data, {"boxes": np.arange(2 * rows)}, real)


def test_padding_is_cut_off_whatever_the_rows_of_a_sample():
    padded = batch()
    assert (padded.rows, padded.real) == (4, 3)
    assert padded.real_rows(padded.data["data"]).ravel().tolist() == [0, 1, 2]
    assert padded.real_rows(padded.labels["boxes"]).tolist() == [0, 1, 2, 3, 4, 5]
    whole = batch(real=4)
    assert whole.real_rows(whole.labels["boxes"]) is whole.labels["boxes"]
    assert list(padded.arrays) == ["data", "more", "boxes"]
    assert Batch({}, {}, 0).rows == 0


@pytest.mark.parametrize(("layout", "axis"), [("NCHW", 0), ("TNC", 1), (None, 0), ("C", -1)])
def test_the_axis_of_the_batch(layout, axis):
    assert ArraySpec("data", (2, 3), np.uint8, layout).batch_axis == axis


@pytest.mark.parametrize("layout", ["NCHW", "TNC", None, "C"])
def test_mxnet_takes_a_spec_for_a_datadesc(mx, layout):
    spec = ArraySpec("data", (2, 3), np.uint8, layout)
    desc = mx.io.DataDesc(*spec)
    assert (desc.name, desc.shape, desc.dtype) == ("data", (2, 3), np.uint8)
    assert spec.batch_axis == mx.io.DataDesc.get_batch_axis(layout)
