"""What an exported model says of itself: entries that a reader builds the heads from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import densefit
from densefit.checkpoint.weights.class_names import names_of
from densefit.exporting.candidates import Suppression
from densefit.exporting.onnx.build import IMAGE, ModelSettings
from densefit.metrics.spec import spec_of
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.routed_head import RoutedHead
from densefit.model.network import Network


def metadata_of(
    network: Network,
    settings: ModelSettings,
    suppressions: Sequence[Suppression],
    resize: Mapping[str, Any],
    precision: str,
) -> dict[str, str]:
    """Entries `densefit.<key>` of a model; values other than words are JSON.

    Args:
        network: network that is exported.
        settings: what the model computes.
        suppressions: suppressions that the model leaves to its reader.
        resize: how an image becomes the input.
        precision: "float32", "float16" or "int8".
    """
    entries: dict[str, Any] = {
        "version": densefit.__version__,
        "mode": settings.mode,
        "batch": settings.batch,
        "precision": precision,
    }
    entries.update(_of_heads(network, settings, resize) if network.heads else _of_symbol(network))
    if not network.heads:
        entries["inputs"] = {name: list(shape) for name, shape in settings.inputs.items()}
    if suppressions:
        entries["nms"] = _nms(network, suppressions)
    return {
        f"densefit.{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in entries.items()
    }


def _of_heads(
    network: Network, settings: ModelSettings, resize: Mapping[str, Any]
) -> dict[str, Any]:
    backbone = network.backbone
    adapters = [a for a in network.adapters.values() if isinstance(a, NetworkHead)]
    return {
        **({} if network.spec is None else {"spec": network.spec}),
        "image_size": settings.image_size,
        "input": {"name": IMAGE, "dtype": "uint8", "layout": "NHWC"},
        "normalisation": {
            "in_graph": True,
            "mean": list(backbone.mean),
            "std": list(backbone.std),
            "colours": "RGB",
            "range": [0, 255],
        },
        "resize": dict(resize),
        "outputs": {
            adapter.name: {
                "evaluate": adapter.evaluate_outputs,
                "raw": adapter.raw_outputs,
                **({"views": adapter.view_outputs} if settings.views else {}),
            }
            for adapter in adapters
        },
        "tasks": {head.name: task_of(head) for head in network.heads},
        "classes": {head.name: class_list(head) for head in network.heads},
        "names": names_of(network),
    }


def _of_symbol(network: Network) -> dict[str, Any]:
    routes = {}
    for name, adapter in network.adapters.items():
        if isinstance(adapter, RoutedHead):
            route = adapter.route
            specs = [spec_of(metric) for metric in route.metrics]
            routes[name] = {
                "outputs": list(route.outputs),
                "labels": list(route.labels),
                "metrics": [spec for spec in specs if spec is not None],
                "rows": dict(route.rows) if isinstance(route.rows, Mapping) else route.rows,
            }
    return {"routes": routes, "tasks": dict.fromkeys(routes, "symbol")}


def _nms(network: Network, suppressions: Sequence[Suppression]) -> dict[str, Any]:
    entries = {}
    for nms in suppressions:
        head = next(head for head in network.heads if nms.output.startswith(f"{head.name}_"))
        entries[head.name] = {
            "output": nms.output[len(head.name) + 1 :],
            "iou": nms.iou,
            "threshold": nms.threshold,
            "limit": nms.limit,
        }
    return entries


def task_of(head: Any) -> str:
    """The registered name of a head's task; the name of its class for another one."""
    spec = getattr(head, "spec", None)
    return str(spec["task"]) if spec else type(head).__name__


def class_list(head: Any) -> list[str]:
    """Names of a head's classes by index."""
    target = getattr(head, "class_target", None)
    names = head.names(target) if target is not None and target in head.class_lists() else ()
    return [str(name) for name in names or getattr(head, "classes", ())]
