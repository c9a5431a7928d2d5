"""AdamW against its algorithm in double precision."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.mxnet.optimizers.adamw import AdamW


@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_is_algorithm_2_of_the_paper(clip):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(5, 3))
    optimizer = AdamW(learning_rate=0.01, wd=0.1, clip_gradient=clip, rescale_grad=0.5)
    weight = mx.nd.array(w)
    state = optimizer.create_state(0, weight)
    m = v = np.zeros_like(w)
    for t in range(1, 20):
        gradient = rng.normal(size=w.shape)
        optimizer.lr = lr = 0.01 / t
        optimizer.update(0, weight, mx.nd.array(gradient), state)
        g = 0.5 * gradient
        g = g if clip is None else g.clip(-clip, clip)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w = w - lr * (step + 0.1 * w)
    np.testing.assert_allclose(weight.asnumpy(), w, rtol=2e-5)


def test_by_name_with_groups_and_resume(tiny, tmp_path):
    def run(epochs, **settings):
        network = tiny.network()
        df.fit(
            network, tiny.loader(network, 8, 4), epochs=epochs, optimizer="adamw",
            optimizer_params={"wd": 0.05}, schedule=df.Constant(0.01),
            groups={"*_gamma": {"wd": 0}}, **settings,
        )  # fmt: skip
        return network

    straight = run(3)
    run(1, checkpoint=tmp_path)
    tiny.assert_equal(straight, run(3, checkpoint=tmp_path, resume="auto"))
