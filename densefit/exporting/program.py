"""Write a short program that runs an exported model on an image file, without densefit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from densefit.errors import writing
from densefit.exporting.metadata import task_of
from densefit.model.network import Network

LINES = 20  # of a program, at most

_START = '''\
"""Run {model} on an image: python {program} photo.jpg (written by densefit {version})"""
import cv2, json, onnxruntime, sys, numpy as np
model = onnxruntime.InferenceSession(__file__[:-2] + "onnx", providers=["CPUExecutionProvider"])
names = json.loads(model.get_modelmeta().custom_metadata_map["densefit.classes"])
image = cv2.cvtColor(cv2.imread(sys.argv[1]), cv2.COLOR_BGR2RGB)
(H, W), (h, w) = image.shape[:2], ({height}, {width})  # of the image, and of the model's input
'''
_LETTERBOX = """\
a, b = (min(n, max(1, round(N * min(h / H, w / W)))) for n, N in ((h, H), (w, W)))
y, x = (h - a) // 2, (w - b) // 2  # the resized image is {fill} around
"""
_RESIZE = """\
a, b, y, x = h, w, 0, 0
"""
_RUN = (
    "data = np.full((1, h, w, 3), {fill}, np.uint8)\n"
    "data[0, y : y + a, x : x + b] = cv2.resize(cv2.resize(image, (min(b, W), min(a, H)) "
    "if H > 2 * a or W > 2 * b else (W, H), interpolation=cv2.INTER_AREA), (b, a))\n"
    "found = {{o.name: v[0] for o, v in zip(model.get_outputs(), "
    'model.run(None, {{"image": data{rows}}}))}}\n'
)
_MASK = (
    "to_image = np.array([[b / W, 0, x + b / W / 2 - 0.5], [0, a / H, y + a / H / 2 - 0.5]])\n"
    'mask = cv2.warpAffine(found["{output}"], to_image, (W, H), flags=cv2.WARP_INVERSE_MAP, '
    "borderMode=cv2.BORDER_REPLICATE)\n"
    'cv2.imwrite(sys.argv[1] + ".{head}.png", mask)\n'
)
_BOXES = (
    'rows = found["{output}"][found["{output}"][:, {column}] >= {least}]\n'
    "rows[:, 2:6] = ((rows[:, 2:6] - np.array([x, y, x, y])) / [b / W, a / H, b / W, a / H])"
    ".clip(0, [W, H, W, H])\n"
    "for label, score, *box in rows.tolist():\n"
    '    print("{head}", names["{head}"][int(label)], round(score, 6), *np.round(box, 3))\n'
)
_PROBABILITIES = (
    'for name, p in zip(names["{head}"], found["{output}"].tolist()):\n'
    '    print("{head}", name, round(p, 6))\n'
)
_MAP = (
    'np.save(sys.argv[1] + ".{head}.npy", cv2.resize(found["{output}"]{order}'
    "[y : y + a, x : x + b], (W, H)))\n"
)
_ANY = 'print("{head}", {{n: v.shape for n, v in found.items() if n.startswith("{head}_")}})\n'


def write_program(network: Network, path: Path, entries: Mapping[str, str]) -> Path:
    """Write the program beside a model, and return its path.

    Args:
        network: network of the model.
        path: path of the model.
        entries: metadata of the model.
    """
    target = path.with_suffix(".py")
    with writing(target):
        target.write_text(program(network, path, entries), encoding="utf-8")
    return target


def program(network: Network, path: Path, entries: Mapping[str, str]) -> str:
    """The text of a program of at most `LINES` lines: those of the first heads that fit."""
    height, width = json.loads(entries["densefit.image_size"])
    resize = json.loads(entries["densefit.resize"])
    batch = json.loads(entries["densefit.batch"])
    text = _START.format(
        model=_quoted(path.name),
        program=_quoted(path.with_suffix(".py").name),
        version=entries["densefit.version"],
        height=height,
        width=width,
    )
    fill = json.dumps(resize["fill"])
    text += (_LETTERBOX if resize["kind"] == "letterbox" else _RESIZE).format(fill=fill)
    rows = f".repeat({batch}, 0)" if batch not in (None, 1) else ""
    text += _RUN.format(fill=fill, rows=rows)
    for head in network.heads:
        lines = _HEADS.get(task_of(head), _other)(head)
        if (text + lines).count("\n") > LINES:
            lines = _other(head)
        if (text + lines).count("\n") <= LINES:
            text += lines
    return text


def _quoted(name: str) -> str:
    """A name between double quotes of a program."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _other(head: Any) -> str:
    return _ANY.format(head=_quoted(head.name))


def _boxes(output: str) -> Callable[[Any], str]:
    return lambda head: _BOXES.format(
        head=_quoted(head.name), output=_quoted(f"{head.name}_{output}"), column=0, least=0
    )


def _objects(head: Any) -> str:
    name, least = _quoted(f"{head.name}_objects"), float(head.score_threshold)
    return _BOXES.format(head=_quoted(head.name), output=name, column=1, least=least)


def _of_output(template: str, output: str, order: str = "") -> Callable[[Any], str]:
    return lambda head: template.format(
        head=_quoted(head.name), output=_quoted(f"{head.name}_{output}"), order=order
    )


#: Task -> the lines of a head.
_HEADS: dict[str, Callable[[Any], str]] = {
    "detection": _boxes("boxes"),
    "instance": _boxes("boxes"),
    "keypoints": _objects,
    "segmentation": _of_output(_MASK, "mask"),
    "panoptic": _of_output(_MASK, "segmentation_mask"),
    "classification": _of_output(_PROBABILITIES, "probabilities"),
    "multilabel": _of_output(_PROBABILITIES, "probabilities"),
    "depth": _of_output(_MAP, "depth"),
    "normals": _of_output(_MAP, "normals", ".transpose(1, 2, 0)"),
}
