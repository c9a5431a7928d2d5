"""A single-shot detector: targets and detections in the train symbol, data out of a record file."""

import cv2
import mxnet as mx
import numpy as np
import pytest

import densefit as df

SIZE, CLASSES, OBJECTS = 24, 2, 3


def write_records(path, length, seed):
    """Pictures with one to three filled boxes; the class is the colour."""
    rng = np.random.RandomState(seed)
    record = mx.recordio.MXIndexedRecordIO(
        str(path.with_suffix(".idx")), str(path.with_suffix(".rec")), "w"
    )
    for index in range(length):
        picture = rng.randint(90, 130, (SIZE, SIZE, 3)).astype("uint8")
        objects = []
        for _ in range(rng.randint(1, OBJECTS + 1)):
            kind = rng.randint(CLASSES)
            x, y = rng.randint(0, SIZE - 10, 2)
            w, h = rng.randint(8, 11, 2)
            cv2.rectangle(picture, (x, y), (x + w, y + h), (255 * kind, 40, 255 * (1 - kind)), -1)
            objects += [kind, x / SIZE, y / SIZE, (x + w) / SIZE, (y + h) / SIZE]
        header = mx.recordio.IRHeader(0, [2, 5, *objects], index, 0)
        record.write_idx(index, mx.recordio.pack_img(header, picture, img_fmt=".png"))
    record.close()
    return str(path.with_suffix(".rec"))


class DetRecordIter(mx.io.DataIter):
    """ImageDetRecordIter with labels of (batch, objects, 5)."""

    def __init__(self, path, batch_size):
        super().__init__()
        self.batch_size = batch_size
        self.rec = mx.io.ImageDetRecordIter(
            path_imgrec=path,
            batch_size=batch_size,
            data_shape=(3, SIZE, SIZE),
            mean_r=123,
            mean_g=117,
            mean_b=104,
            std_r=60,
            std_g=60,
            std_b=60,
            label_pad_width=6 + 5 * OBJECTS,
            label_pad_value=-1,
            shuffle=False,
            preprocess_threads=1,
            verbose=False,
        )
        self.provide_label = None
        self._get_batch()
        self.reset()

    @property
    def provide_data(self):
        return self.rec.provide_data

    def reset(self):
        self.rec.reset()

    def iter_next(self):
        return self._get_batch()

    def next(self):
        if self.iter_next():
            return self._batch
        raise StopIteration

    def _get_batch(self):
        try:
            self._batch = self.rec.next()
        except StopIteration:
            return False
        label = self._batch.label[0].asnumpy()
        if self.provide_label is None:
            # Each label begins with (channels, rows, columns, width), then its own header.
            first = label[0]
            self.start = 4 + int(first[4])
            self.width = int(first[5])
            self.count = (first.size - self.start) // self.width
            self.provide_label = [("label", (self.batch_size, self.count, self.width))]
        end = self.start + self.count * self.width
        label = label[:, self.start : end].reshape(self.batch_size, self.count, self.width)
        self._batch.label = [mx.nd.array(label)]
        return True


class MultiBoxMetric(mx.metric.EvalMetric):
    """Cross-entropy and smooth L1 loss, each a positive or negative anchor."""

    def __init__(self, eps=1e-8):
        super().__init__("MultiBox")
        self.eps = eps
        self.num = 2
        self.name = ["CrossEntropy", "SmoothL1"]
        self.reset()

    def reset(self):
        if getattr(self, "num", None) is None:
            self.num_inst, self.sum_metric = 0, 0.0
        else:
            self.num_inst, self.sum_metric = [0] * self.num, [0.0] * self.num

    def reset_local(self):
        self.reset()

    def update(self, labels, preds):
        cls_prob, loc_loss, cls_label = (preds[i].asnumpy() for i in range(3))
        valid = np.sum(cls_label >= 0)
        label = cls_label.flatten()
        mask = np.where(label >= 0)[0]
        indices = np.int64(label[mask])
        prob = cls_prob.transpose((0, 2, 1)).reshape((-1, cls_prob.shape[1]))[mask, indices]
        self.sum_metric[0] += (-np.log(prob + self.eps)).sum()
        self.num_inst[0] += valid
        self.sum_metric[1] += np.sum(loc_loss)
        self.num_inst[1] += valid

    def get(self):
        return (
            list(self.name),
            [s / n if n else float("nan") for s, n in zip(self.sum_metric, self.num_inst)],
        )


class BestDetection(mx.metric.EvalMetric):
    """Share of pictures whose surest detection lies on an object of its class."""

    def __init__(self, pred_idx):
        self.pred_idx = pred_idx
        super().__init__("best-detection")

    def update(self, labels, preds):
        for objects, rows in zip(labels[0].asnumpy(), preds[self.pred_idx].asnumpy()):
            rows = rows[rows[:, 0] >= 0]
            self.num_inst += 1
            if len(rows):
                kind, _, *box = rows[rows[:, 1].argmax()]
                x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
                self.sum_metric += any(
                    one[0] == kind and one[1] <= x <= one[3] and one[2] <= y <= one[4]
                    for one in objects
                )


def symbol():
    data, label = mx.sym.Variable("data"), mx.sym.Variable("label")
    x = data
    for number, filters in enumerate((6, 8)):
        x = mx.sym.Convolution(
            x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=filters, name=f"conv{number}"
        )
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{number}")
    locations, classes, anchors = [], [], []
    pooled = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max", name="pool")
    for layer, sizes in ((x, (0.3, 0.4)), (pooled, (0.5,))):
        name = layer.name
        boxes = len(sizes) + 1
        loc = mx.sym.Convolution(
            layer, kernel=(3, 3), pad=(1, 1), num_filter=boxes * 4, name=f"{name}_loc"
        )
        loc = mx.sym.transpose(loc, axes=(0, 2, 3, 1))
        locations.append(mx.sym.Flatten(loc))
        kind = mx.sym.Convolution(
            layer,
            kernel=(3, 3),
            pad=(1, 1),
            num_filter=boxes * (CLASSES + 1),
            name=f"{name}_cls",
        )
        kind = mx.sym.transpose(kind, axes=(0, 2, 3, 1))
        classes.append(mx.sym.Flatten(kind))
        prior = mx.sym.contrib.MultiBoxPrior(layer, sizes=sizes, ratios=(1, 2), clip=False)
        anchors.append(mx.sym.Flatten(prior))
    loc_preds = mx.sym.Concat(*locations, dim=1, name="multibox_loc_pred")
    cls_preds = mx.sym.Concat(*classes, dim=1)
    cls_preds = mx.sym.Reshape(cls_preds, shape=(0, -1, CLASSES + 1))
    cls_preds = mx.sym.transpose(cls_preds, axes=(0, 2, 1), name="multibox_cls_pred")
    anchor_boxes = mx.sym.Concat(*anchors, dim=1)
    anchor_boxes = mx.sym.Reshape(anchor_boxes, shape=(0, -1, 4), name="multibox_anchors")
    loc_target, loc_target_mask, cls_target = mx.sym.contrib.MultiBoxTarget(
        *[anchor_boxes, label, cls_preds],
        overlap_threshold=0.5,
        ignore_label=-1,
        negative_mining_ratio=3,
        minimum_negative_samples=0,
        negative_mining_thresh=0.5,
        variances=(0.1, 0.1, 0.2, 0.2),
        name="multibox_target",
    )
    cls_prob = mx.sym.SoftmaxOutput(
        data=cls_preds,
        label=cls_target,
        ignore_label=-1,
        use_ignore=True,
        grad_scale=1.0,
        multi_output=True,
        normalization="valid",
        name="cls_prob",
    )
    loc_loss_ = mx.sym.smooth_l1(
        data=loc_target_mask * (loc_preds - loc_target), scalar=1.0, name="loc_loss_"
    )
    loc_loss = mx.sym.MakeLoss(loc_loss_, grad_scale=0.7, normalization="valid", name="loc_loss")
    cls_label = mx.sym.MakeLoss(cls_target, grad_scale=0, name="cls_label")
    det = mx.sym.contrib.MultiBoxDetection(
        *[cls_prob, loc_preds, anchor_boxes],
        name="detection",
        nms_threshold=0.5,
        force_suppress=False,
        variances=(0.1, 0.1, 0.2, 0.2),
        nms_topk=20,
    )
    det = mx.sym.MakeLoss(det, grad_scale=0, name="det_out")
    return mx.sym.Group([cls_prob, loc_loss, cls_label, det])


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """length -> path of a record file."""
    folder = tmp_path_factory.mktemp("ssd")
    return {
        length: write_records(folder / f"{length}", length, seed)
        for seed, length in enumerate((12, 8, 10))
    }


@pytest.fixture
def ssd(program, records):
    def make():
        net = symbol()
        arg_params, aux_params = program.initial(
            net, data=(4, 3, SIZE, SIZE), label=(4, OBJECTS, 5), scale=0.15
        )
        return {
            "symbol": net,
            "label_names": ["label"],
            "train": DetRecordIter(records[12], 4),
            "validation": DetRecordIter(records[8], 4),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "fixed_param_names": ["conv0_weight", "conv0_bias"],
            "settings": {
                "eval_metric": MultiBoxMetric(),
                "validation_metric": BestDetection(pred_idx=3),
                "optimizer_params": {
                    "learning_rate": 0.1,
                    "momentum": 0.9,
                    "wd": 0.0005,
                    "rescale_grad": 1.0,
                    "lr_scheduler": mx.lr_scheduler.MultiFactorScheduler(step=[4], factor=0.5),
                    "clip_gradient": None,
                },
                "batch_end_callback": [mx.callback.Speedometer(4, frequent=20)],
                "kvstore": "local",
            },
        }

    return make


def read_all(path):
    """(data, label) of 10 pictures: as two batches of 5, which needs no padding."""
    # The iterator fills its arrays again for a later batch.
    batches = [
        (batch.data[0].asnumpy(), batch.label[0].asnumpy()) for batch in DetRecordIter(path, 5)
    ]
    return tuple(np.concatenate(arrays) for arrays in zip(*batches))


def padded(path):
    """The pictures in batches of 4, out of arrays.

    The record iterator would be no measure: where its batch size does not divide the dataset, a
    reset before the end skips rows in some runs, and the constructor above resets it.
    """
    return mx.io.NDArrayIter(*read_all(path), 4, label_name="label")


def test_the_records_are_read_as_written(records):
    data, label = read_all(records[10])
    assert data.shape == (10, 3, SIZE, SIZE)
    assert label.shape == (10, OBJECTS, 5)
    assert set(np.unique(label[:, :, 0])) == {-1, 0, 1}


def test_trains_as_module(program, ssd):
    module_run = program.by_module(ssd())
    densefit_run = program.by_densefit(ssd())
    program.assert_same(ssd(), module_run, densefit_run)
    losses = [numbers["CrossEntropy"] for numbers in densefit_run.train.values()]
    assert losses[1] < losses[0]


def test_trains_as_module_with_losses_as_monitors(program, ssd):
    """The same from a Symbol, and with a Speedometer that resets after each line."""

    def make():
        made = ssd()
        made["settings"]["batch_end_callback"] = mx.callback.Speedometer(4, 1, auto_reset=False)
        made["settings"]["eval_metric"] = [mx.metric.Loss(output_names=["loc_loss_output"])]
        del made["settings"]["validation_metric"]
        return made

    module_run = program.by_module(make())
    densefit_run = program.by_densefit(make(), model="symbol")
    program.assert_same(make(), module_run, densefit_run)


def test_resumes_from_checkpoints(program, ssd, tmp_path):
    """One epoch, and another in a new run, are two: with a metric that keeps lists as well."""
    whole = program.by_densefit(ssd())
    folder = str(tmp_path / "run")
    program.by_densefit(ssd(), epochs=1, checkpoint=folder)
    resumed = program.by_densefit(ssd(), checkpoint=folder, resume="auto")
    program.assert_params_equal(whole.params, resumed.params)
    assert resumed.train == {1: whole.train[1]}
    loaded = df.load(folder, network=program.module_of(ssd()))
    current = df.interop.arg_params(loaded), df.interop.aux_params(loaded)
    program.assert_params_equal(whole.params, current)


def test_scores_padded_data(program, ssd, records):
    run = program.by_densefit(ssd())
    data, label = read_all(records[10])
    outputs = program.forward(ssd(), run.params, data=data, label=label)
    prob, target = outputs["cls_prob_output"], outputs["cls_label_output"]
    valid = target >= 0
    right = np.take_along_axis(prob, np.maximum(target, 0).astype(int)[:, None], 1)[:, 0]
    expected = {
        "module/CrossEntropy": -np.log(right[valid] + 1e-8).mean(),
        "module/SmoothL1": outputs["loc_loss_output"].sum() / valid.sum(),
    }
    scores = df.score(run.network, padded(records[10]), eval_metric=MultiBoxMetric())
    assert {key: scores[key] for key in expected} == pytest.approx(expected, rel=1e-5)
    best = BestDetection(pred_idx=0)
    best.update([mx.nd.array(label)], [mx.nd.array(outputs["det_out_output"])])
    scores = df.score(run.model, padded(records[10]), eval_metric=BestDetection(pred_idx=3))
    assert scores["module/best-detection"] == best.get()[1]


def test_default_heads_are_the_losses(program, ssd, records):
    """Monitors with grad_scale=0 are no heads; the softmax is scored by targets of the graph."""
    run = program.by_densefit(ssd())
    data, label = read_all(records[10])
    outputs = program.forward(ssd(), run.params, data=data, label=label)
    scores = df.score(run.model, padded(records[10]))
    assert {name.split("/")[0] for name in scores} <= {"cls_prob", "loc_loss"}
    loss = outputs["loc_loss_output"]
    assert scores["loc_loss/loss"] == pytest.approx(loss.mean(), rel=1e-5)


def test_predicts_detections(program, ssd, records):
    run = program.by_densefit(ssd())
    data, label = read_all(records[10])
    expected = program.forward(ssd(), run.params, data=data, label=label)
    predictions = df.predict(run.network, padded(records[10]))
    for name in ("cls_prob_output", "det_out_output"):
        np.testing.assert_allclose(predictions[name], expected[name], rtol=1e-4, atol=1e-5)
