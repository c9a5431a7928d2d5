"""Pooled regions and proposals equal MXNet's."""

import numpy as np
import pytest

from densefit.backend import mx

V = mx.sym.Variable


def regions(seed, count, images=2, size=40.0):
    random = np.random.RandomState(seed)
    corner = random.uniform(-8, size, (count, 2))
    box = np.concatenate([corner, corner + random.uniform(-3, size, (count, 2))], 1)
    box[::4] = np.round(box[::4] * 2) / 2
    return np.concatenate([random.randint(0, images, (count, 1)), box], 1)


def feature_map(seed, channels=3, ties=False):
    data = np.random.RandomState(seed).normal(size=(2, channels, 9, 13))
    return np.maximum(np.round(data), 0) if ties else data


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"pooled_size": (3, 3), "spatial_scale": 0.25},
        {"pooled_size": (7, 5), "spatial_scale": 0.3},
        {"pooled_size": (1, 2), "spatial_scale": 1.0},
        {"pooled_size": (14, 14), "spatial_scale": 0.07},
    ],
    ids=str,
)
def test_max_pooling(compare, settings, ties):
    symbol = mx.sym.ROIPooling(V("data"), V("rois"), **settings)
    rois = regions(0, 40)
    rois[::9, 0] = 7  # no such image
    arrays = {"data": feature_map(1, ties=ties), "rois": rois}
    compare(symbol, arrays, ["data", "rois"])


def test_max_pooling_in_parts_is_equal(compare, monkeypatch):
    from densefit.engine.torch.operators.vision import regions as module

    monkeypatch.setattr(module, "_MOST", 1000)
    symbol = mx.sym.ROIPooling(V("data"), V("rois"), pooled_size=(3, 3), spatial_scale=0.25)
    compare(symbol, {"data": feature_map(1), "rois": regions(0, 40)}, ["data"])


@pytest.mark.parametrize(
    "settings",
    [
        {"pooled_size": (3, 3), "spatial_scale": 0.25},
        {"pooled_size": (2, 5), "spatial_scale": 0.3, "sample_ratio": 2},
        {"pooled_size": (3, 2), "spatial_scale": 1.0, "sample_ratio": 3, "aligned": True},
        {"pooled_size": (2, 2), "spatial_scale": 0.25, "position_sensitive": True},
    ],
    ids=str,
)
def test_bilinear_pooling(compare, settings):
    symbol = mx.sym.contrib.ROIAlign(V("data"), V("rois"), **settings)
    rois = regions(0, 80)
    if settings.get("aligned"):
        rois[:, 3:] = np.maximum(rois[:, 3:], rois[:, 1:3] + 0.5)
    channels = 12 if settings.get("position_sensitive") else 3
    compare(symbol, {"data": feature_map(1, channels), "rois": rois}, ["data", "rois"], 1e-4, 1e-5)


@pytest.mark.parametrize("settings", [{"pooled_size": 3}, {"pooled_size": 4, "group_size": 2}])
def test_position_sensitive_pooling(compare, settings):
    symbol = mx.sym.contrib.PSROIPooling(
        V("data"), V("rois"), spatial_scale=0.25, output_dim=2, **settings
    )
    channels = 2 * settings.get("group_size", 3) ** 2
    arrays = {"data": feature_map(1, channels), "rois": regions(0, 40)}
    compare(symbol, arrays, ["data"], 1e-4, 1e-5)


def proposal_inputs(images, anchors, height=6, width=9):
    random = np.random.RandomState(3)
    return {
        "scores": np.round(random.uniform(0, 1, (images, 2 * anchors, height, width)), 2),
        "offsets": random.normal(0, 0.3, (images, 4 * anchors, height, width)),
        "info": np.array([[80.0, 130.0, 1.0], [96.0, 144.0, 1.5]])[:images],
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"threshold": 0.3, "rpn_pre_nms_top_n": 60, "rpn_post_nms_top_n": 40},
        {"rpn_post_nms_top_n": 1000, "rpn_min_size": 2},
        {"scales": (2.0, 5.0), "ratios": (0.3, 1.0, 1.7), "feature_stride": 15},
        {"rpn_min_size": 500},
    ],
    ids=str,
)
@pytest.mark.parametrize("iou_loss", [False, True])
def test_proposals(compare, settings, iou_loss):
    anchors = 6 if "scales" in settings else 12
    names = map(V, ("scores", "offsets", "info"))
    symbol = mx.sym.contrib.MultiProposal(*names, output_score=True, iou_loss=iou_loss, **settings)
    compare(mx.sym.Group(list(symbol)), proposal_inputs(2, anchors), rtol=1e-5, atol=1e-4)
    names = map(V, ("scores", "offsets", "info"))
    symbol = mx.sym.contrib.Proposal(*names, iou_loss=iou_loss, **settings)
    compare(symbol, proposal_inputs(1, anchors), rtol=1e-5, atol=1e-4)
