"""Evaluation of exported models by ONNX Runtime; only this folder and export/ import it."""

from densefit.engine.onnx.devices import as_devices, device_memory
from densefit.engine.onnx.evaluator import OnnxEngine as Learner
from densefit.engine.onnx.exported_network import ExportedNetwork
from densefit.engine.onnx.maps import argmax, flip, take, to_device, zeros
from densefit.engine.onnx.model_file import read_model
from densefit.engine.onnx.seeding import draw_seed, seed

__all__ = [
    "ExportedNetwork",
    "Learner",
    "argmax",
    "as_devices",
    "device_memory",
    "draw_seed",
    "flip",
    "read_model",
    "seed",
    "take",
    "to_device",
    "zeros",
]
