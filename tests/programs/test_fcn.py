"""Semantic segmentation by a fully convolutional network, on one picture of any size a batch."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

CLASSES, VOID = 3, 255
SIZES = [(16, 16), (20, 12), (12, 20), (16, 20)]


def samples(seed):
    """[(picture (1, 3, H, W), classes (1, H, W))]: a class is a colour; the border is void."""
    rng = np.random.RandomState(seed)
    found = []
    for height, width in SIZES:
        label = np.kron(rng.randint(0, CLASSES, (height // 4, width // 4)), np.ones((4, 4)))
        data = rng.normal(0, 0.3, (1, 3, height, width))
        for k in range(CLASSES):
            data[0, k] += 2 * (label == k)
        label[:2] = VOID
        found.append((data.astype("float32"), label[None].astype("float32")))
    return found


class Pictures(mx.io.DataIter):
    """One picture a batch; announces the shapes of the batch that comes next."""

    def __init__(self, seed):
        super().__init__(1)
        self.samples = samples(seed)
        self.cursor = 0

    @property
    def provide_data(self):
        data, _ = self.samples[min(self.cursor, len(self.samples) - 1)]
        return [("data", data.shape)]

    @property
    def provide_label(self):
        _, label = self.samples[min(self.cursor, len(self.samples) - 1)]
        return [("softmax_label", label.shape)]

    def reset(self):
        self.cursor = 0

    def iter_next(self):
        return self.cursor < len(self.samples)

    def next(self):
        if not self.iter_next():
            raise StopIteration
        provide_data, provide_label = self.provide_data, self.provide_label
        data, label = self.samples[self.cursor]
        self.cursor += 1
        return mx.io.DataBatch(
            data=[mx.nd.array(data)],
            label=[mx.nd.array(label)],
            pad=0,
            index=None,
            provide_data=provide_data,
            provide_label=provide_label,
        )


class PolyScheduler(mx.lr_scheduler.LRScheduler):
    """base_lr * (1 - updates / total) ** 0.9, as users wrote it before MXNet had one."""

    def __init__(self, total):
        super().__init__()
        self.total = total

    def __call__(self, num_update):
        return self.base_lr * (1 - min(num_update, self.total) / self.total) ** 0.9


class PixelAccuracy(mx.metric.EvalMetric):
    """Share of pixels that are right, void ones left out."""

    def __init__(self):
        super().__init__("pixel-accuracy")

    def update(self, labels, preds):
        classes = preds[0].asnumpy().argmax(1)
        label = labels[0].asnumpy()
        valid = label != VOID
        self.sum_metric += ((classes == label) & valid).sum()
        self.num_inst += valid.sum()


def symbol():
    data = mx.sym.Variable("data")
    x = mx.sym.Convolution(data, kernel=(3, 3), pad=(10, 10), num_filter=4, name="conv1")
    x = mx.sym.Activation(x, act_type="relu", name="relu1")
    pool = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max", name="pool1")
    score = mx.sym.Convolution(pool, kernel=(1, 1), num_filter=CLASSES, name="score")
    score2 = mx.sym.Deconvolution(
        score, kernel=(4, 4), stride=(2, 2), num_filter=CLASSES, no_bias=True, name="bigscore"
    )
    score2 = mx.sym.Crop(*[score2, data], offset=(9, 9), name="upscore")
    skip = mx.sym.Convolution(x, kernel=(1, 1), num_filter=CLASSES, name="score_skip")
    skip = mx.sym.Crop(*[skip, score2], offset=(9, 9), name="score_skipc")
    return mx.sym.SoftmaxOutput(
        data=score2 + skip, multi_output=True, use_ignore=True, ignore_label=VOID, name="softmax"
    )


@pytest.fixture
def fcn(program):
    def make():
        net = symbol()
        arg_params, aux_params = program.initial(
            net, data=(1, 3, 16, 16), softmax_label=(1, 16, 16)
        )
        return {
            "symbol": net,
            "train": Pictures(0),
            "validation": Pictures(1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": PixelAccuracy(),
                "optimizer_params": {
                    "learning_rate": 0.5,
                    "momentum": 0.9,
                    "wd": 0.0005,
                    "rescale_grad": 0.5,
                    "lr_scheduler": PolyScheduler(2 * len(SIZES)),
                },
            },
        }

    return make


def test_trains_as_module(program, fcn):
    module_run = program.by_module(fcn())
    densefit_run = program.by_densefit(fcn())
    program.assert_same(fcn(), module_run, densefit_run)
    assert densefit_run.train[1]["pixel-accuracy"] > densefit_run.train[0]["pixel-accuracy"]


def test_trains_with_mxnets_poly_scheduler(program, fcn):
    def make():
        made = fcn()
        made["settings"]["optimizer_params"]["lr_scheduler"] = mx.lr_scheduler.PolyScheduler(
            2 * len(SIZES), base_lr=0.5, pwr=0.9
        )
        return made

    module_run = program.by_module(make())
    densefit_run = program.by_densefit(make(), model="symbol")
    program.assert_same(make(), module_run, densefit_run)


def test_scores_pictures_of_all_sizes(program, fcn):
    run = program.by_densefit(fcn())
    right = valid = 0
    outputs = []
    for data, label in samples(2):
        outputs.append(program.forward(fcn(), run.params, data=data)["softmax_output"])
        known = label != VOID
        right += ((outputs[-1].argmax(1) == label) & known).sum()
        valid += known.sum()
    scores = df.score(run.network, Pictures(2), eval_metric=PixelAccuracy())
    assert scores["module/pixel-accuracy"] == pytest.approx(right / valid, abs=1e-12)
    assert scores["module/pixel-accuracy"] == run.model.score(Pictures(2), PixelAccuracy())[0][1]
    # By default too, the ignored pixels do not count.
    assert df.score(run.model, Pictures(2))["softmax/accuracy"] == pytest.approx(right / valid)
    predictions = df.predict(run.network, Pictures(2))["softmax_output"]
    assert len(predictions) == len(SIZES)
    for prediction, output in zip(predictions, outputs):
        np.testing.assert_allclose(prediction, output, rtol=1e-5, atol=1e-6)
