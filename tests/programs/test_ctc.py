"""Reading sequences: a CTC loss beside probabilities that only the user's accuracy reads."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

STEPS, FEATURES, CLASSES, LENGTH, HIDDEN = 6, 5, 4, 2, 3  # class 0 is the blank


def samples(length, seed):
    """Sequences in which each character lights its feature for some steps."""
    rng = np.random.RandomState(seed)
    label = rng.randint(1, CLASSES, (length, LENGTH)).astype("float32")
    label[rng.rand(length) < 0.3, 1] = 0  # some have one character
    data = rng.normal(0, 0.2, (length, STEPS, FEATURES)).astype("float32")
    for row in range(length):
        data[row, 0:2, int(label[row, 0])] += 2
        data[row, 3:5, int(label[row, 1])] += 2
    return data, label


class Sequences(mx.io.DataIter):
    """Own batches, each with the state that the recurrent layer begins with."""

    def __init__(self, length, batch_size, seed):
        super().__init__(batch_size)
        self.data, self.label = samples(length, seed)
        self.provide_data = [
            ("data", (batch_size, STEPS, FEATURES)),
            ("init_state", (batch_size, HIDDEN)),
        ]
        self.provide_label = [("label", (batch_size, LENGTH))]

    def __iter__(self):
        for start in range(0, len(self.data), self.batch_size):
            rows = np.arange(start, start + self.batch_size)
            pad = max(0, rows[-1] + 1 - len(self.data))
            rows %= len(self.data)
            state = mx.nd.zeros((self.batch_size, HIDDEN))
            yield mx.io.DataBatch(
                data=[mx.nd.array(self.data[rows]), state],
                label=[mx.nd.array(self.label[rows])],
                pad=int(pad),
            )

    def reset(self):
        pass


def collapse(classes):
    """Characters of a path: repetitions are one, blanks are none."""
    return [k for i, k in enumerate(classes) if k != 0 and (i == 0 or k != classes[i - 1])]


def accuracy(label, pred):
    """Share of sequences read right; `pred` holds steps * batch rows, the steps outermost."""
    batch_size = label.shape[0]
    hits = 0
    for i in range(batch_size):
        path = [int(np.argmax(pred[k * batch_size + i])) for k in range(STEPS)]
        hits += collapse(path) == [int(k) for k in label[i] if k != 0]
    return hits / batch_size


def symbol():
    label = mx.sym.Variable("label")
    state = mx.sym.Variable("init_state")
    steps = mx.sym.SliceChannel(
        mx.sym.Variable("data"), num_outputs=STEPS, axis=1, squeeze_axis=True
    )
    w_in, b_in = mx.sym.Variable("in_weight"), mx.sym.Variable("in_bias")
    w_state, b_state = mx.sym.Variable("state_weight"), mx.sym.Variable("state_bias")
    hidden = []
    for k in range(STEPS):
        x = mx.sym.FullyConnected(steps[k], weight=w_in, bias=b_in, num_hidden=HIDDEN)
        h = mx.sym.FullyConnected(state, weight=w_state, bias=b_state, num_hidden=HIDDEN)
        state = mx.sym.Activation(x + h, act_type="tanh")
        hidden.append(mx.sym.Concat(state, steps[k], dim=1))
    pred = mx.sym.FullyConnected(mx.sym.Concat(*hidden, dim=0), num_hidden=CLASSES, name="pred")
    by_step = mx.sym.Reshape(pred, shape=(-4, STEPS, -1, 0))
    ctc_loss = mx.sym.MakeLoss(mx.sym.contrib.ctc_loss(data=by_step, label=label), name="ctc")
    probabilities = mx.sym.SoftmaxActivation(data=pred)
    shown = mx.sym.BlockGrad(mx.sym.MakeLoss(probabilities), name="softmax")
    return mx.sym.Group([shown, ctc_loss])


def metric():
    return mx.metric.np(accuracy, allow_extra_outputs=True)


@pytest.fixture
def ctc(program):
    def make():
        net = symbol()
        arg_params, aux_params = program.initial(
            net,
            scale=0.3,
            data=(4, STEPS, FEATURES),
            init_state=(4, HIDDEN),
            label=(4, LENGTH),
        )
        return {
            "symbol": net,
            "data_names": ["data", "init_state"],
            "label_names": ["label"],
            "train": Sequences(16, 4, seed=0),
            "validation": Sequences(8, 4, seed=1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": metric(),
                "optimizer": "AdaDelta",
                "optimizer_params": {"rho": 0.9, "wd": 0.00001},
                "batch_end_callback": mx.callback.Speedometer(4, 2),
            },
        }

    return make


def test_trains_as_module(program, ctc):
    module_run = program.by_module(ctc())
    densefit_run = program.by_densefit(ctc())
    program.assert_same(ctc(), module_run, densefit_run)


def sharp(params):
    """Parameters that read many of the sequences: the softmax copies the features."""
    arg_params = dict(params[0])
    weight = np.zeros(arg_params["pred_weight"].shape, np.float32)
    weight[:, HIDDEN : HIDDEN + CLASSES] = 3 * np.eye(CLASSES)
    arg_params["pred_weight"] = mx.nd.array(weight)
    arg_params["pred_bias"] = mx.nd.array([1.0, 0, 0, 0])
    return arg_params, params[1]


def test_scores_padded_data(program, ctc):
    """10 rows in batches of 4: rows of one sample lie far apart in the probabilities."""
    made = ctc()
    params = sharp((made["arg_params"], made["aux_params"]))
    data, label = samples(10, 2)
    expected, losses = [], []
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        size = len(data[rows])
        outputs = program.forward(
            made, params, data=data[rows], init_state=np.zeros((size, HIDDEN)), label=label[rows]
        )
        expected.append(accuracy(label[rows], outputs["softmax_output"]))
        losses.append(outputs["ctc_output"])
    assert len(set(expected)) > 1
    settings = {"arg_params": params[0], "aux_params": params[1]}
    scores = df.score(made["symbol"], Sequences(10, 4, seed=2), eval_metric=metric(), **settings)
    assert scores["module/accuracy"] == pytest.approx(np.mean(expected), abs=1e-12)
    # The only default head: the probabilities train nothing.
    scores = df.score(made["symbol"], Sequences(10, 4, seed=2), **settings)
    assert scores == pytest.approx({"ctc/loss": np.concatenate(losses).mean()}, rel=1e-5)


def test_predicts_losses(program, ctc):
    run = program.by_densefit(ctc())
    data, label = samples(8, 1)
    outputs = program.forward(
        ctc(), run.params, data=data, init_state=np.zeros((8, HIDDEN)), label=label
    )
    predictions = df.predict(run.network, Sequences(8, 4, seed=1))
    np.testing.assert_allclose(predictions["ctc_output"], outputs["ctc_output"], rtol=1e-5)
