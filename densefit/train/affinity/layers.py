"""Names of layers for the parameters that heads share: stages of the backbone, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from densefit.model.network import Network
from densefit.model.sharing.stages import STAGES
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import NameManager, sym

_SIZE = (64, 64)  # names do not depend on it


def stages_of(network: Network) -> dict[str, str]:
    """Find the stage of each parameter of the backbone, as `share_until` names them.

    Args:
        network: network with a backbone.

    Returns:
        parameter -> "stage1" to "stage4": the first whose map depends on it, or the last.
    """
    with NameManager():
        maps = network.backbone.features(sym.Variable("data"), _SIZE, 32).maps
    stages: dict[str, str] = {}
    for stage, stride in STAGES.items():
        if stride in maps:
            for node in SymbolGraph.of(maps[stride]).nodes:
                if node.is_variable:
                    stages.setdefault(node.name, stage)
    return stages


def layers_of(parameters: Sequence[str], stages: Mapping[str, str]) -> dict[str, list[str]]:
    """Group parameters by the stage of the backbone; the rest by the first word of their names.

    A copy of a parameter for some heads (`share_until`), whose name ends with that of the backbone,
    is of the same stage.

    >>> layers_of(["r_conv_weight", "fpn_p3_weight", "a_b_r_top_weight"],
    ...           {"r_conv_weight": "stage1", "r_top_weight": "stage4"})
    {'stage1': ['r_conv_weight'], 'fpn': ['fpn_p3_weight'], 'stage4': ['a_b_r_top_weight']}

    Args:
        parameters: names, from the image on.
        stages: as `stages_of` returns them.

    Returns:
        layer -> names, in order.
    """
    layers: dict[str, list[str]] = {}
    for name in parameters:
        copied = (stage for base, stage in stages.items() if name.endswith(f"_{base}"))
        layer = stages.get(name) or next(copied, name.split("_")[0])
        layers.setdefault(layer, []).append(name)
    return layers
