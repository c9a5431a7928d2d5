"""Write a short program that runs an exported model on an image file, without densefit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.program_lines import print_shapes
from densefit.model.network import Network

LINES = 22  # of a program, at most

_START = '''\
"""Run {model} on an image: python {program} photo.jpg (written by densefit {version})"""
import cv2, json, onnxruntime, os, sys, numpy as np
name = sys.argv[1] if sys.argv[1:] else sys.exit(__doc__)
data = np.fromfile(name, np.uint8) if os.path.isfile(name) else np.zeros(0, np.uint8)
image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None  # BGR; imread needs UTF-8
(H, W), (h, w) = image.shape[:2] if image is not None else \
sys.exit(sys.argv[1] + " is missing, or no image"), ({height}, {width})  # of image, model's input
model = onnxruntime.InferenceSession(__file__[:-2] + "{suffix}", providers=["CPUExecutionProvider"])
names = json.loads(model.get_modelmeta().custom_metadata_map["densefit.classes"])
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
    "if H > 2 * a or W > 2 * b else (W, H), interpolation=cv2.INTER_AREA), (b, a))"
    "[:, :, ::-1]  # RGB\n"
    "outputs = {{o.name: v[0] for o, v in zip(model.get_outputs(), "
    'model.run(None, {{"image": data{rows}}}))}}\n'
)


def program(network: Network, path: Path, entries: Mapping[str, str]) -> str:
    """The text of a program of at most `LINES` lines: those of the first heads that fit.

    Args:
        network: network of the model.
        path: path of the model.
        entries: metadata of the model.

    Raises:
        ConfigError: the lines of a head are no Python.
    """
    height, width = json.loads(entries["densefit.image_size"])
    resize = json.loads(entries["densefit.resize"])
    batch = json.loads(entries["densefit.batch"])
    text = _START.format(
        model=_quoted(path.name),
        program=_quoted(path.with_suffix(".py").name),
        suffix=path.suffix[1:],
        version=entries["densefit.version"],
        height=height,
        width=width,
    )
    fill = json.dumps(resize["fill"])
    text += (_LETTERBOX if resize["kind"] == "letterbox" else _RESIZE).format(fill=fill)
    rows = f".repeat({batch}, 0)" if batch not in (None, 1) else ""
    text += _RUN.format(fill=fill, rows=rows)
    for head in network.heads:
        for lines in (_lines_of(head), print_shapes(head.name), ""):
            if (text + lines).count("\n") <= LINES:
                text += lines
                break
    return text


def _lines_of(head: Any) -> str:
    """A head's lines, which are Python."""
    lines: str = head.program_lines().strip("\n") + "\n"
    try:
        compile(lines, f"<head {head.name}>", "exec")
    except (SyntaxError, ValueError) as error:
        raise ConfigError(
            f"The head {head.name!r} has lines for the program beside a model that are no Python",
            received=f"{lines.strip()[:200]!r}: {error}",
            where=f"{type(head).__name__}.program_lines",
        ) from error
    return lines


def _quoted(name: str) -> str:
    """A name between double quotes of a program."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
