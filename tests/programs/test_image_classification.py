"""Image classification out of record files, with checkpoints, and a resume from them."""

import cv2
import mxnet as mx
import numpy as np
import pytest

import densefit as df

SIZE, CLASSES = 12, 6


def write_records(path, length, seed):
    """Pictures of one noisy grey each; the class is its brightness."""
    rng = np.random.RandomState(seed)
    record = mx.recordio.MXRecordIO(str(path), "w")
    for index in range(length):
        label = rng.randint(CLASSES)
        picture = rng.normal(30 + 40 * label, 20, (SIZE, SIZE, 3)).clip(0, 255).astype("uint8")
        cv2.line(picture, (0, int(label)), (SIZE, int(label)), (0, 0, 255))
        header = mx.recordio.IRHeader(0, float(label), index, 0)
        record.write(mx.recordio.pack_img(header, picture, img_fmt=".png"))
    record.close()


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """kind -> path of a record file."""
    folder = tmp_path_factory.mktemp("images")
    found = {}
    for seed, (kind, length) in enumerate((("train", 32), ("val", 16), ("odd", 13))):
        found[kind] = str(folder / f"{kind}.rec")
        write_records(found[kind], length, seed)
    return found


def iterator(path, batch_size=8):
    return mx.io.ImageRecordIter(
        path_imgrec=path,
        data_shape=(3, SIZE, SIZE),
        batch_size=batch_size,
        mean_r=128,
        mean_g=128,
        mean_b=128,
        scale=1.0 / 64,
        shuffle=False,
        rand_mirror=False,
        rand_crop=False,
        preprocess_threads=1,
        verbose=False,
    )


def symbol():
    x = mx.sym.Convolution(
        mx.sym.Variable("data"), kernel=(3, 3), num_filter=6, no_bias=True, name="conv0"
    )
    x = mx.sym.BatchNorm(x, fix_gamma=False, eps=2e-5, momentum=0.9, name="bn0")
    x = mx.sym.Activation(x, act_type="relu", name="relu0")
    shortcut = x
    x = mx.sym.Convolution(
        x, kernel=(3, 3), pad=(1, 1), num_filter=6, no_bias=True, name="unit_conv"
    )
    x = mx.sym.BatchNorm(x, fix_gamma=True, name="unit_bn")
    x = mx.sym.Activation(x + shortcut, act_type="relu", name="unit_relu")
    x = mx.sym.Pooling(x, global_pool=True, kernel=(7, 7), pool_type="avg", name="pool")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=CLASSES, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def metrics():
    return ["accuracy", mx.metric.create("top_k_accuracy", top_k=3)]


@pytest.fixture
def classification(program, records):
    def make(prefix=None):
        net = symbol()
        arg_params, aux_params = program.initial(
            net, scale=0.3, data=(8, 3, SIZE, SIZE), softmax_label=(8,)
        )
        callbacks = {}
        if prefix is not None:
            callbacks["epoch_end_callback"] = mx.callback.do_checkpoint(str(prefix), 1)
        return {
            "symbol": net,
            "train": iterator(records["train"]),
            "validation": iterator(records["val"]),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "settings": {
                "eval_metric": metrics(),
                "kvstore": "local",
                "optimizer": "nag",
                "optimizer_params": {
                    "learning_rate": 0.2,
                    "momentum": 0.9,
                    "wd": 1e-4,
                    "lr_scheduler": mx.lr_scheduler.MultiFactorScheduler(step=[3, 6], factor=0.5),
                },
                "batch_end_callback": [mx.callback.Speedometer(8, 2)],
                "allow_missing": True,
                **callbacks,
            },
        }

    return make


def checkpoint(prefix, epoch):
    """(arg_params, aux_params) of MXNet's files."""
    _, arg_params, aux_params = mx.model.load_checkpoint(str(prefix), epoch)
    return arg_params, aux_params


def test_trains_as_module(program, classification, tmp_path):
    """Checkpoints of each epoch too; fix_gamma leaves gammas in the files that are not used."""
    module_run = program.by_module(classification(tmp_path / "theirs"))
    densefit_run = program.by_densefit(classification(tmp_path / "ours"))
    made = classification()
    # A gamma that is fixed does not move.
    for run in (module_run, densefit_run):
        del run.params[0]["unit_bn_gamma"]
    program.assert_same(made, module_run, densefit_run)
    for epoch in (1, 2):
        theirs, ours = (checkpoint(tmp_path / name, epoch) for name in ("theirs", "ours"))
        program.assert_params_equal(theirs, ours)
    first, second = (checkpoint(tmp_path / "ours", epoch)[0]["fc_weight"] for epoch in (1, 2))
    assert not np.array_equal(first.asnumpy(), second.asnumpy())


@pytest.mark.parametrize("with_states", [True, False])
def test_resumes_from_the_files_of_module(program, classification, tmp_path, with_states):
    """One epoch by Module, saved; `Module.load` and `begin_epoch=1` go on from the files."""
    first = program.by_module(classification(), epochs=1)
    prefix = str(tmp_path / "model")
    first.module.save_checkpoint(prefix, 1, save_optimizer_states=True)
    resumed = {}
    for kind in ("theirs", "ours"):
        made = classification()
        settings = made["settings"]
        settings["batch_end_callback"] = []
        module = mx.mod.Module.load(prefix, 1, load_optimizer_states=with_states)
        if kind == "theirs":
            module.fit(
                made["train"],
                eval_data=made["validation"],
                begin_epoch=1,
                num_epoch=3,
                **settings,
            )
        else:
            history = df.fit(
                module,
                made["train"],
                validation=made["validation"],
                begin_epoch=1,
                epochs=3,
                **settings,
            )
            program.assert_params_equal(
                (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
                module.get_params(),
            )
            assert [one["epoch"] for one in history.epochs] == [1, 2]
        resumed[kind] = module.get_params()
    program.assert_params_equal(resumed["theirs"], resumed["ours"])
    moved = resumed["ours"][0]["fc_weight"].asnumpy()
    assert not np.array_equal(moved, first.params[0]["fc_weight"].asnumpy())


def test_module_resumes_from_densefit(program, classification, tmp_path):
    """Module goes on, optimizer states included, from what it saves after df.fit."""
    runs = {}
    for kind, run in (("theirs", program.by_module), ("ours", program.by_densefit)):
        result = run(classification(), epochs=1)
        module = result.module if kind == "theirs" else result.model
        prefix = str(tmp_path / kind)
        module.save_checkpoint(prefix, 1, save_optimizer_states=True)
        module = mx.mod.Module.load(prefix, 1, load_optimizer_states=True)
        made = classification()
        module.fit(made["train"], begin_epoch=1, num_epoch=2, **made["settings"])
        runs[kind] = module.get_params()
    program.assert_params_equal(runs["theirs"], runs["ours"])


def test_scores_padded_data(program, classification, records):
    """13 pictures in batches of 8: ImageRecordIter pads with the first ones."""
    run = program.by_densefit(classification())
    batch = next(iter(iterator(records["odd"], 13)))
    data, label = batch.data[0].asnumpy(), batch.label[0].asnumpy()
    prob = program.forward(classification(), run.params, data=data)["softmax_output"]
    top = np.argsort(-prob, axis=1)[:, :3]
    expected = {
        "module/accuracy": (prob.argmax(1) == label).mean(),
        "module/top_k_accuracy_3": (top == label[:, None]).any(1).mean(),
    }
    scores = df.score(run.network, iterator(records["odd"]), eval_metric=metrics())
    assert {key: scores.get(key) for key in expected} == pytest.approx(expected, abs=1e-12)
    predictions = df.predict(run.model, iterator(records["odd"]))["softmax_output"]
    np.testing.assert_allclose(predictions, prob, rtol=1e-4, atol=1e-6)
    # Without padding, Module counts the same.
    theirs = dict(run.model.score(iterator(records["val"]), mx.metric.create(metrics())))
    ours = df.score(run.model, iterator(records["val"]), eval_metric=metrics())
    named = {f"module/{name}": value for name, value in theirs.items()}
    assert {key: ours.get(key) for key in named} == pytest.approx(named)


def test_saves_what_mxnet_loads(program, classification, tmp_path):
    run = program.by_densefit(classification())
    df.save_mxnet(run.history.network, str(tmp_path / "saved"), 2)
    net, arg_params, aux_params = mx.model.load_checkpoint(str(tmp_path / "saved"), 2)
    assert net.list_outputs() == ["softmax_output"]
    program.assert_params_equal((arg_params, aux_params), run.params)
