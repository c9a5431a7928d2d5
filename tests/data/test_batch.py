import numpy as np

from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.data.sample import Geometry


def test_a_batch_is_a_databatch_that_knows_its_samples():
    batch = Batch(
        [mx.nd.zeros((2, 3, 4, 4))],
        [mx.nd.zeros(2)],
        ids=("a", "b"),
        targets=({"label": np.array(1)}, {"label": np.array(2)}),
        geometries=(Geometry.identity(4, 4),) * 2,
    )
    assert isinstance(batch, mx.io.DataBatch)
    assert batch.ids == ["a", "b"]
    assert batch.pad == 0  # None, MXNet's default, makes its own loops fail
    assert batch.index is None
    assert [int(one["label"]) for one in batch.targets] == [1, 2]
    assert len(batch.geometries) == 2
