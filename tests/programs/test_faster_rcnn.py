"""Faster R-CNN trained end to end: proposals, a Custom operator, and pictures of any size."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df
from densefit.errors import EngineError

STRIDE, CLASSES, ROIS, RPN_BATCH = 4, 3, 6, 16
SCALES, RATIOS = (2, 3), (1.0,)
ANCHORS = len(SCALES) * len(RATIOS)
SIZES = [(24, 32), (32, 24), (28, 28), (24, 32)]

ENGINES = ["mxnet"]  # a Custom operator


def base_anchors():
    """(ANCHORS, 4) around the first cell, as the Proposal operator makes them."""
    centre = (STRIDE - 1) / 2
    found = []
    for ratio in RATIOS:
        width = round(np.sqrt(STRIDE * STRIDE / ratio))
        height = round(width * ratio)
        for scale in SCALES:
            w, h = (width * scale - 1) / 2, (height * scale - 1) / 2
            found.append([centre - w, centre - h, centre + w, centre + h])
    return np.array(found, np.float32)


def anchors_of(height, width):
    """(height * width * ANCHORS, 4), the anchors of a cell innermost."""
    x, y = np.meshgrid(np.arange(width) * STRIDE, np.arange(height) * STRIDE)
    shifts = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4)
    return (shifts + base_anchors()).reshape(-1, 4).astype(np.float32)


def overlaps(boxes, truth):
    """IoU (boxes, truth), with corners that are part of the box."""
    low = np.maximum(boxes[:, None, :2], truth[None, :, :2])
    high = np.minimum(boxes[:, None, 2:4], truth[None, :, 2:4])
    shared = np.prod(np.maximum(high - low + 1, 0), axis=2)
    areas = [np.prod(one[:, 2:4] - one[:, :2] + 1, axis=1) for one in (boxes, truth)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


def offsets(boxes, truth):
    """What moves boxes onto the truth."""
    size, goal = boxes[:, 2:4] - boxes[:, :2] + 1, truth[:, 2:4] - truth[:, :2] + 1
    centre, target = boxes[:, :2] + (size - 1) / 2, truth[:, :2] + (goal - 1) / 2
    return np.concatenate([(target - centre) / size, np.log(goal / size)], axis=1)


class ProposalTarget(mx.operator.CustomOp):
    """Chooses the ROIS proposals of highest overlap and lowest, and labels them."""

    def forward(self, is_train, req, in_data, out_data, aux):
        rois, truth = in_data[0].asnumpy(), in_data[1].asnumpy()[0]
        truth = truth[truth[:, 4] > 0]
        rois = np.vstack([rois, np.hstack([np.zeros((len(truth), 1)), truth[:, :4]])])
        shared = overlaps(rois[:, 1:], truth)
        order = np.argsort(-shared.max(1), kind="stable")
        order = np.concatenate([order[: ROIS // 2], order[-(ROIS - ROIS // 2) :]])
        rois, shared = rois[order], shared[order]
        matched = truth[shared.argmax(1)]
        label = np.where(shared.max(1) >= 0.5, matched[:, 4], 0)
        target = np.zeros((ROIS, 4 * CLASSES), np.float32)
        weight = np.zeros_like(target)
        for row, kind in enumerate(label.astype(int)):
            if kind:
                columns = slice(4 * kind, 4 * kind + 4)
                target[row, columns] = offsets(rois[row : row + 1, 1:], matched[row : row + 1])
                weight[row, columns] = 1
        for index, value in enumerate((rois, label, target, weight)):
            self.assign(out_data[index], req[index], mx.nd.array(value))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        for index in range(len(in_grad)):
            self.assign(in_grad[index], req[index], 0)


@mx.operator.register("programs_proposal_target")
class ProposalTargetProp(mx.operator.CustomOpProp):
    """Shapes of the proposal target."""

    def __init__(self, num_classes):
        super().__init__(need_top_grad=False)
        self.num_classes = int(num_classes)

    def list_arguments(self):
        return ["rois", "gt_boxes"]

    def list_outputs(self):
        return ["rois_output", "label", "bbox_target", "bbox_weight"]

    def infer_shape(self, in_shape):
        wide = (ROIS, 4 * self.num_classes)
        return in_shape, [(ROIS, 5), (ROIS,), wide, wide]

    def create_operator(self, ctx, shapes, dtypes):
        return ProposalTarget()

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        return []


def picture(rng, height, width):
    """(data (1, 3, H, W), boxes (1, n, 5)) with one or two squares; the class is the colour."""
    data = rng.normal(0, 0.2, (1, 3, height, width))
    boxes = []
    for _ in range(rng.randint(1, 3)):
        kind, side = rng.randint(1, CLASSES), rng.randint(8, 13)
        x, y = rng.randint(0, width - side), rng.randint(0, height - side)
        data[0, kind, y : y + side, x : x + side] += 2
        boxes.append([x, y, x + side - 1, y + side - 1, kind])
    return data.astype("float32"), np.array([boxes], np.float32)


def rpn_targets(height, width, boxes):
    """Labels, box targets and their weights of all anchors, as the graph wants them."""
    anchors = anchors_of(height, width)
    shared = overlaps(anchors, boxes)
    best = shared.max(1)
    label = np.full(len(anchors), -1, np.float32)
    label[best < 0.3] = 0
    label[best >= 0.5] = 1
    label[shared.argmax(0)] = 1
    # As many anchors as a batch of the region proposal network has; the others are ignored.
    label[np.flatnonzero(label == 0)[RPN_BATCH:]] = -1
    target = offsets(anchors, boxes[shared.argmax(1)]).astype("float32")
    weight = np.repeat((label == 1)[:, None], 4, axis=1).astype("float32")
    label = label.reshape(1, height, width, ANCHORS).transpose(0, 3, 1, 2)
    return (
        label.reshape(1, ANCHORS * height * width),
        *(
            one.reshape(1, height, width, ANCHORS * 4).transpose(0, 3, 1, 2)
            for one in (target, weight)
        ),
    )


class AnchorLoader(mx.io.DataIter):
    """One picture a batch, with the targets of its anchors; batches say their own shapes."""

    def __init__(self, seed):
        super().__init__()
        rng = np.random.RandomState(seed)
        self.batch_size = 1
        self.data_name = ["data", "im_info", "gt_boxes"]
        self.label_name = ["label", "bbox_target", "bbox_weight"]
        self.batches = []
        for height, width in SIZES:
            data, boxes = picture(rng, height, width)
            info = np.array([[height, width, 1]], np.float32)
            targets = rpn_targets(height // STRIDE, width // STRIDE, boxes[0])
            self.batches.append(
                [[mx.nd.array(one) for one in kind] for kind in ((data, info, boxes), targets)]
            )
        self.cur = 0
        self.data = self.label = None
        self.get_batch()

    @property
    def provide_data(self):
        return [(name, array.shape) for name, array in zip(self.data_name, self.data)]

    @property
    def provide_label(self):
        return [(name, array.shape) for name, array in zip(self.label_name, self.label)]

    def reset(self):
        self.cur = 0

    def iter_next(self):
        return self.cur < len(self.batches)

    def get_batch(self):
        self.data, self.label = self.batches[self.cur]

    def getindex(self):
        return self.cur

    def getpad(self):
        return 0

    def next(self):
        if not self.iter_next():
            raise StopIteration
        self.get_batch()
        self.cur += 1
        return mx.io.DataBatch(
            data=self.data,
            label=self.label,
            pad=self.getpad(),
            index=self.getindex(),
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )


def symbol(multi):
    data, im_info, gt_boxes, rpn_label, rpn_target, rpn_weight = (
        mx.sym.Variable(name)
        for name in ("data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight")
    )
    x = data
    for number in (1, 2):
        x = mx.sym.Convolution(
            x, kernel=(3, 3), pad=(1, 1), stride=(2, 2), num_filter=6, name=f"conv{number}"
        )
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{number}")
    rpn = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=6, name="rpn_conv")
    rpn = mx.sym.Activation(rpn, act_type="relu", name="rpn_relu")
    score = mx.sym.Convolution(rpn, kernel=(1, 1), num_filter=2 * ANCHORS, name="rpn_cls_score")
    bbox = mx.sym.Convolution(rpn, kernel=(1, 1), num_filter=4 * ANCHORS, name="rpn_bbox_pred")
    reshaped = mx.sym.Reshape(score, shape=(0, 2, -1, 0), name="rpn_cls_score_reshape")
    rpn_cls_prob = mx.sym.SoftmaxOutput(
        data=reshaped,
        label=rpn_label,
        multi_output=True,
        normalization="valid",
        use_ignore=True,
        ignore_label=-1,
        name="rpn_cls_prob",
    )
    rpn_loss = rpn_weight * mx.sym.smooth_l1(
        data=bbox - rpn_target, scalar=3.0, name="rpn_bbox_loss_"
    )
    rpn_loss = mx.sym.MakeLoss(rpn_loss, grad_scale=1.0 / RPN_BATCH, name="rpn_bbox_loss")
    act = mx.sym.SoftmaxActivation(reshaped, mode="channel", name="rpn_cls_act")
    act = mx.sym.Reshape(act, shape=(0, 2 * ANCHORS, -1, 0), name="rpn_cls_act_reshape")
    proposal = mx.sym.contrib.MultiProposal if multi else mx.sym.contrib.Proposal
    rois = proposal(
        cls_prob=act,
        bbox_pred=bbox,
        im_info=im_info,
        name="rois",
        feature_stride=STRIDE,
        scales=SCALES,
        ratios=RATIOS,
        rpn_pre_nms_top_n=40,
        rpn_post_nms_top_n=10,
        threshold=0.7,
        rpn_min_size=STRIDE,
    )
    gt = mx.sym.Reshape(gt_boxes, shape=(1, -1, 5), name="gt_boxes_reshape")
    group = mx.sym.Custom(
        rois=rois,
        gt_boxes=gt,
        op_type="programs_proposal_target",
        num_classes=CLASSES,
        name="target",
    )
    rois, label, bbox_target, bbox_weight = (group[i] for i in range(4))
    pooled = mx.sym.ROIPooling(
        name="roi_pool", data=x, rois=rois, pooled_size=(2, 2), spatial_scale=1.0 / STRIDE
    )
    fc = mx.sym.FullyConnected(mx.sym.Flatten(pooled), num_hidden=8, name="fc6")
    fc = mx.sym.Activation(fc, act_type="relu", name="relu6")
    cls_score = mx.sym.FullyConnected(fc, num_hidden=CLASSES, name="cls_score")
    cls_prob = mx.sym.SoftmaxOutput(
        data=cls_score, label=label, normalization="batch", name="cls_prob"
    )
    bbox_pred = mx.sym.FullyConnected(fc, num_hidden=4 * CLASSES, name="bbox_pred")
    bbox_loss = bbox_weight * mx.sym.smooth_l1(
        data=bbox_pred - bbox_target, scalar=1.0, name="bbox_loss_"
    )
    bbox_loss = mx.sym.MakeLoss(bbox_loss, grad_scale=1.0 / ROIS, name="bbox_loss")
    # A batch has one picture: its rows become the second axis.
    label = mx.sym.Reshape(label, shape=(1, -1), name="label_reshape")
    cls_prob = mx.sym.Reshape(cls_prob, shape=(1, -1, CLASSES), name="cls_prob_reshape")
    bbox_loss = mx.sym.Reshape(bbox_loss, shape=(1, -1, 4 * CLASSES), name="bbox_loss_reshape")
    return mx.sym.Group([rpn_cls_prob, rpn_loss, cls_prob, bbox_loss, mx.sym.BlockGrad(label)])


OUTPUTS = ["rpn_cls_prob", "rpn_bbox_loss", "rcnn_cls_prob", "rcnn_bbox_loss", "rcnn_label"]


class Numbers(mx.metric.EvalMetric):
    """One number of one of the two networks, out of all outputs by position."""

    def __init__(self, name, network):
        super().__init__(name)
        self.network = network

    def read(self, labels, preds):
        """(probabilities (n, classes), label (n,), loss) of the network."""
        prob, loss = (
            preds[OUTPUTS.index(f"{self.network}_{one}")].asnumpy()
            for one in ("cls_prob", "bbox_loss")
        )
        if self.network == "rpn":
            label = labels[0].asnumpy().reshape(-1)
            return prob.reshape(2, -1).T, label, loss
        label = preds[OUTPUTS.index("rcnn_label")].asnumpy().reshape(-1)
        return prob.reshape(-1, prob.shape[-1]), label, loss


class Acc(Numbers):
    """Accuracy on what is not ignored."""

    def update(self, labels, preds):
        prob, label, _ = self.read(labels, preds)
        known = label != -1
        self.sum_metric += np.sum(prob.argmax(1)[known] == label[known])
        self.num_inst += np.sum(known)


class LogLoss(Numbers):
    """Cross-entropy on what is not ignored."""

    def update(self, labels, preds):
        prob, label, _ = self.read(labels, preds)
        known = np.flatnonzero(label != -1)
        self.sum_metric += -np.log(prob[known, label[known].astype(int)] + 1e-14).sum()
        self.num_inst += len(known)


class NamedL1Loss(mx.metric.EvalMetric):
    """Sum of a box loss by its output's name, an anchor or region with a label."""

    def __init__(self, name, output_names, label_names):
        super().__init__(name, output_names=output_names, label_names=label_names)

    def update(self, labels, preds):
        self.sum_metric += np.sum(preds[0].asnumpy())
        label = labels[0] if labels else preds[1]
        self.num_inst += np.sum(label.asnumpy() != -1)


def metrics():
    composite = mx.metric.CompositeEvalMetric()
    for child in (
        Acc("RPNAcc", "rpn"),
        LogLoss("RPNLogLoss", "rpn"),
        NamedL1Loss("RPNL1Loss", ["rpn_bbox_loss_output"], ["label"]),
        Acc("RCNNAcc", "rcnn"),
        LogLoss("RCNNLogLoss", "rcnn"),
        NamedL1Loss("RCNNL1Loss", ["bbox_loss_reshape_output", "blockgrad0_output"], []),
    ):
        composite.add(child)
    return composite


@pytest.fixture(params=[True, False], ids=["MultiProposal", "Proposal"])
def rcnn(program, request):
    def make():
        with mx.name.NameManager():
            net = symbol(request.param)
        train = AnchorLoader(0)
        arg_params, aux_params = program.initial(
            net, scale=0.2, **dict(train.provide_data), **dict(train.provide_label)
        )
        return {
            "symbol": net,
            "data_names": train.data_name,
            "label_names": train.label_name,
            "train": train,
            "validation": AnchorLoader(1),
            "arg_params": arg_params,
            "aux_params": aux_params,
            "fixed_param_names": ["conv1_weight", "conv1_bias"],
            "settings": {
                "eval_metric": metrics(),
                "optimizer_params": {
                    "momentum": 0.9,
                    "wd": 0.0005,
                    "learning_rate": 0.05,
                    "lr_scheduler": mx.lr_scheduler.MultiFactorScheduler([3, 6], 0.5),
                    "rescale_grad": 1.0,
                    "clip_gradient": 5,
                },
                "batch_end_callback": mx.callback.Speedometer(1, frequent=2, auto_reset=False),
            },
        }

    return make


def test_its_custom_operator_is_refused_by_pytorch(program, rcnn):
    with pytest.raises(EngineError, match="(?s)no operator Custom.*node 'target'.*engine='mxnet'"):
        program.by_densefit(rcnn(), **{"engine": "torch"})


def test_trains_as_module(program, rcnn):
    module_run = program.by_module(rcnn())
    densefit_run = program.by_densefit(rcnn())
    program.assert_same(rcnn(), module_run, densefit_run)


def test_scores_pictures_of_all_sizes(program, rcnn):
    run = program.by_densefit(rcnn())
    loader = AnchorLoader(2)
    expected = metrics()
    shown = []
    for data, label in loader.batches:
        arrays = dict(zip(loader.data_name + loader.label_name, data + label))
        outputs = program.forward(rcnn(), run.params, **arrays)
        shown.append(outputs)
        expected.update_dict(
            dict(zip(loader.label_name, label)),
            {name: mx.nd.array(value) for name, value in outputs.items()},
        )
    expected = dict(expected.get_name_value())
    assert len(expected) == 6
    scores = df.score(run.network, AnchorLoader(2), eval_metric=metrics())
    named = {f"module/{name}": value for name, value in expected.items()}
    assert {key: scores.get(key) for key in named} == pytest.approx(named, rel=1e-5)
    assert dict(run.model.score(AnchorLoader(2), metrics())) == pytest.approx(expected, rel=1e-5)
    predictions = df.predict(run.network, AnchorLoader(2))
    for name in ("cls_prob_reshape_output", "bbox_loss_reshape_output"):
        np.testing.assert_allclose(
            predictions[name],
            np.concatenate([outputs[name] for outputs in shown]),
            rtol=1e-4,
            atol=1e-5,
        )


def test_default_heads(program, rcnn):
    """Loss layers train behind a Reshape too; a label behind BlockGrad is no loss."""
    run = program.by_densefit(rcnn())
    scores = df.score(run.model, AnchorLoader(2))
    heads = {name.split("/")[0] for name in scores}
    assert "rpn_cls_prob" in heads
    assert "rpn_bbox_loss" in heads
    assert "blockgrad0" not in heads
    assert np.isfinite(list(scores.values())).all()
