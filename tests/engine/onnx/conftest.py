"""Small ONNX files with the metadata of an export, built by hand."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

CLASSES = ["red", "green", "blue"]


def spec_of(task, **settings):
    return {
        "backbone": "resnet18",
        "settings": {},
        "output_stride": 32,
        "heads": [{"task": task, "settings": settings}],
    }


def write(path, nodes, inputs, outputs, metadata, constants=()):
    """Write a graph; inputs and outputs are name -> (type, shape)."""
    ports = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in part.items()]
        for part in (inputs, outputs)
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in dict(constants).items()]
    graph = helper.make_graph(nodes, "graph", *ports, initializer=initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in metadata.items():
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            model.metadata_props.add(key=f"densefit.{key}", value=text)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


class Models:
    """Makers of exported models."""

    CLASSES = CLASSES
    write = staticmethod(write)
    spec_of = staticmethod(spec_of)

    @staticmethod
    def colours(path, size=(32, 48), batch=None, **changes):
        """A segmentation whose class is the strongest colour of each pixel."""
        rows = batch or "N"
        nodes = [
            helper.make_node("Cast", ["image"], ["colours"], to=TensorProto.FLOAT),
            helper.make_node("ArgMax", ["colours"], ["strongest"], axis=3, keepdims=0),
            helper.make_node("Cast", ["strongest"], ["colour_mask"], to=TensorProto.UINT8),
        ]
        metadata = {
            "version": "0.1.0",
            "spec": spec_of("segmentation", classes=CLASSES, name="colour"),
            "image_size": list(size),
            "batch": batch,
            "mode": "evaluate",
            "outputs": {"colour": {"evaluate": ["mask"], "raw": ["logits"]}},
            **changes,
        }
        return write(
            path,
            nodes,
            {"image": (TensorProto.UINT8, [rows, *size, 3])},
            {"colour_mask": (TensorProto.UINT8, [rows, *size])},
            metadata,
        )

    @staticmethod
    def mean(path, size=(32, 48), batch=None, **changes):
        """A classification by the mean colour."""
        rows = batch or "N"
        nodes = [
            helper.make_node("Cast", ["image"], ["colours"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["colours", "axes"], ["logits"], keepdims=0),
            helper.make_node("Softmax", ["logits"], ["kind_probabilities"], axis=1),
        ]
        metadata = {
            "version": "0.1.0",
            "spec": spec_of("classification", classes=CLASSES, name="kind"),
            "image_size": list(size),
            "batch": batch,
            "outputs": {"kind": {"evaluate": ["probabilities"], "raw": ["probabilities"]}},
            **changes,
        }
        return write(
            path,
            nodes,
            {"image": (TensorProto.UINT8, [rows, *size, 3])},
            {"kind_probabilities": (TensorProto.FLOAT, [rows, 3])},
            metadata,
            {"axes": np.array([1, 2], np.int64)},
        )

    @staticmethod
    def candidates(path, rows, size=(32, 48)):
        """A detector without suppression, which puts out `rows` (N, 6) for every image."""
        nodes = [
            helper.make_node("Cast", ["image"], ["colours"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["colours", "axes"], ["mean"], keepdims=0),
            helper.make_node("Reshape", ["mean", "single"], ["each"]),
            helper.make_node("Mul", ["each", "zero"], ["nothing"]),
            helper.make_node("Add", ["rows", "nothing"], ["cells_boxes"]),
        ]
        metadata = {
            "version": "0.1.0",
            "spec": spec_of("detection", classes=["a", "b"], name="cells"),
            "image_size": list(size),
            "mode": "raw",
            "outputs": {"cells": {"evaluate": ["boxes"], "raw": ["boxes"]}},
            "nms": {"cells": {"output": "boxes", "iou": 0.45, "threshold": 0.2, "limit": 5}},
        }
        constants = {
            "axes": np.array([1, 2, 3], np.int64),
            "single": np.array([-1, 1, 1], np.int64),
            "zero": np.float32(0),
            "rows": np.float32(rows)[None],
        }
        return write(
            path,
            nodes,
            {"image": (TensorProto.UINT8, ["N", *size, 3])},
            {"cells_boxes": (TensorProto.FLOAT, ["N", *np.shape(rows)])},
            metadata,
            constants,
        )

    @staticmethod
    def softmax(path, batch=None, metadata=True):
        """Softmax of the first three of six numbers: the output `kind` of a user's Symbol."""
        rows = batch or "N"
        nodes = [
            helper.make_node("Slice", ["data", "start", "end", "axis"], ["first"]),
            helper.make_node("Softmax", ["first"], ["kind"], axis=1),
        ]
        routes = {"outputs": ["kind"], "labels": ["kind_label"], "metrics": ["accuracy"]}
        return write(
            path,
            nodes,
            {"data": (TensorProto.FLOAT, [rows, 6])},
            {"kind": (TensorProto.FLOAT, [rows, 3])},
            {"version": "0.1.0", "routes": {"kind": routes}} if metadata else {},
            {"start": np.array([0]), "end": np.array([3]), "axis": np.array([1])},
        )


@pytest.fixture(scope="session")
def models():
    return Models
