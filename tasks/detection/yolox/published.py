"""Names of the head's layers in the files of YOLOX's authors."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.checkpoint.weights.maps.class_lists import COCO_80
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Row

from .head import YOLOX

#: Layers of the neck with three levels.
_NECK = {
    "level16_reduce": "lateral_conv0",
    "level8_reduce": "reduce_conv1",
    "level16_shrink": "bu_conv2",
    "level32_shrink": "bu_conv1",
}
_CROSS_STAGES = {
    "level16_down": "C3_p4",
    "level8_down": "C3_p3",
    "level16_up": "C3_n3",
    "level32_up": "C3_n4",
}
_PREDICTIONS = {"class": "cls_preds", "box": "reg_preds", "objectness": "obj_preds"}


@head_layouts_of.register
def _(head: YOLOX, parameters: Sequence[str]) -> dict[str, HeadMap]:
    if head.strides != (8, 16, 32):
        return {}
    layers = {ours: f"backbone.{theirs}" for ours, theirs in _NECK.items()}
    for ours, theirs in _CROSS_STAGES.items():
        layers[f"{ours}_conv{{n}}"] = f"backbone.{theirs}.conv{{n}}"
        layers[f"{ours}_{{block}}_conv{{n}}"] = f"backbone.{theirs}.m.{{block}}.conv{{n}}"
    predictions: dict[str, Row] = {}
    for number, stride in enumerate(head.strides):
        level = f"level{stride}"
        layers[f"{level}_stem"] = f"head.stems.{number}"
        layers[f"{level}_class_conv{{n}}"] = f"head.cls_convs.{number}.{{n}}"
        layers[f"{level}_box_conv{{n}}"] = f"head.reg_convs.{number}.{{n}}"
        for kind, theirs in _PREDICTIONS.items():
            predictions[f"{level}_{kind}"] = (f"head.{theirs}.{number}", None)
    rows = {ours: (f"{theirs}.conv", f"{theirs}.bn") for ours, theirs in layers.items()}
    return {"YOLOX": HeadMap({**rows, **predictions}, "backbone.backbone.", class_lists=(COCO_80,))}
