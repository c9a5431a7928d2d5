"""Pose estimation: weighted regressions in several stages, masked by further inputs."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

SIZE, PARTS, LIMBS = 6, 3, 2
DATA = {"data": 3, "heat_mask": PARTS, "limb_mask": LIMBS}
LABEL = {"heat_label": PARTS, "limb_label": LIMBS}


def samples(length, seed):
    rng = np.random.RandomState(seed)
    arrays = {
        name: rng.normal(0, 1, (length, channels, SIZE, SIZE)).astype("float32")
        for name, channels in {**DATA, **LABEL}.items()
    }
    for name in ("heat_mask", "limb_mask"):
        # One mask a picture: crowds are not annotated.
        arrays[name][:] = rng.randint(0, 2, (length, 1, SIZE, SIZE))
    return arrays


def iterator(length=12, batch_size=4, seed=0):
    arrays = samples(length, seed)
    return mx.io.NDArrayIter(
        {name: arrays[name] for name in DATA}, {name: arrays[name] for name in LABEL}, batch_size
    )


def stage(features, variables, number):
    outputs = []
    for kind, channels, weight in (("heat", PARTS, 1.0), ("limb", LIMBS, 0.5)):
        mask, label = variables[f"{kind}_mask"], variables[f"{kind}_label"]
        x = mx.sym.Convolution(
            features, kernel=(3, 3), pad=(1, 1), num_filter=channels, name=f"{kind}{number}_conv"
        )
        loss = mx.sym.LinearRegressionOutput(
            data=x * mask, label=label * mask, grad_scale=weight, name=f"{kind}{number}"
        )
        outputs.append((x, loss))
    return outputs


def symbol():
    variables = {name: mx.sym.Variable(name) for name in (*DATA, *LABEL)}
    x = mx.sym.Convolution(variables["data"], kernel=(3, 3), pad=(1, 1), num_filter=4, name="trunk")
    trunk = mx.sym.Activation(x, act_type="relu")
    losses = []
    features = trunk
    for number in (1, 2):
        outputs = stage(features, variables, number)
        losses += [loss for _, loss in outputs]
        features = mx.sym.Concat(trunk, *(x for x, _ in outputs), dim=1)
    return mx.sym.Group(losses)


class StageLoss(mx.metric.EvalMetric):
    """Mean square of one stage's error over two outputs."""

    def __init__(self, number):
        super().__init__(
            f"stage{number}",
            output_names=[f"heat{number}_output", f"limb{number}_output"],
            label_names=["heat_label", "limb_label"],
        )

    def update(self, labels, preds):
        for label, pred in zip(labels, preds):
            self.sum_metric += float(((label - pred) ** 2).sum().asscalar())
        self.num_inst += preds[0].shape[0]


def metrics():
    return mx.metric.CompositeEvalMetric([StageLoss(1), StageLoss(2)])


@pytest.fixture
def pose(program):
    def make(train=None):
        net = symbol()
        shapes = {name: (4, channels, SIZE, SIZE) for name, channels in {**DATA, **LABEL}.items()}
        arg_params, aux_params = program.initial(net, **shapes)
        return {
            "symbol": net,
            "data_names": list(DATA),
            "label_names": list(LABEL),
            "train": train or iterator(),
            "validation": iterator(8, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": metrics(),
                "optimizer_params": {
                    "learning_rate": 0.01,
                    "momentum": 0.9,
                    "wd": 5e-4,
                    "lr_scheduler": mx.lr_scheduler.FactorScheduler(4, 0.3),
                    "clip_gradient": 0.5,
                },
            },
        }

    return make


def test_trains_as_module(program, pose):
    module_run = program.by_module(pose())
    densefit_run = program.by_densefit(pose())
    program.assert_same(pose(), module_run, densefit_run)


def test_trains_as_module_on_a_short_last_batch(program, pose):
    """The rate stays that of a full batch, in both."""

    def make():
        arrays = samples(10, 0)
        return pose(
            program.Short(
                {name: arrays[name] for name in DATA}, {name: arrays[name] for name in LABEL}, 4
            )
        )

    module_run = program.by_module(make())
    densefit_run = program.by_densefit(make(), model="symbol")
    program.assert_same(make(), module_run, densefit_run)


def test_padding_is_not_trained(program, pose):
    """NDArrayIter fills the last batch with samples that Module trains on a second time.

    What must still hold: densefit trains as on the short batch that the padding is cut from.
    """
    padded = program.by_densefit(pose(iterator(10)))
    arrays = samples(10, 0)
    short = program.by_densefit(
        pose(
            program.Short(
                {name: arrays[name] for name in DATA}, {name: arrays[name] for name in LABEL}, 4
            )
        )
    )
    program.assert_params_equal(padded.params, short.params)
    assert padded.train == short.train
    name = "heat2_conv_weight"
    trained_twice = program.by_module(pose(iterator(10))).params[0][name].asnumpy()
    assert not np.array_equal(trained_twice, padded.params[0][name].asnumpy())


def test_scores_padded_data(program, pose):
    run = program.by_densefit(pose())
    arrays = samples(10, 2)
    outputs = program.forward(pose(), run.params, **arrays)
    scores = df.score(run.network, iterator(10, seed=2), eval_metric=metrics())
    for number in (1, 2):
        expected = 0
        for kind in ("heat", "limb"):
            error = outputs[f"{kind}{number}_output"] - arrays[f"{kind}_label"]
            expected += (error**2).sum() / 10
        assert scores[f"module/stage{number}"] == pytest.approx(expected, rel=1e-5)


def test_predicts_all_stages(program, pose):
    run = program.by_densefit(pose())
    expected = program.forward(pose(), run.params, **samples(10, 2))
    predictions = df.predict(run.network, iterator(10, seed=2))
    assert predictions.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(predictions[name], value, rtol=1e-5, atol=1e-6)
