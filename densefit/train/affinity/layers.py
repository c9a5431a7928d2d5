"""Names of layers for the parameters of a trunk."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST = 8  # layers that are told apart
_STAGE = re.compile(r"(?:^|_)(stem|(?:layer|stage|block|level|branch)_?\d+)(?=_|$)")


def layers_of(parameters: Sequence[str]) -> dict[str, list[str]]:
    """Group parameters by the stage of the network that their names state, at most 8.

    A name without a stage, as of a neck, is in the group of its first word. Neighbouring stages are
    joined where there are more than 8.

    >>> names = ["r_stem_weight", "r_layer1_0_conv_weight", "r_layer1_0_bn_gamma", "fpn_p3_weight"]
    >>> {layer: len(members) for layer, members in layers_of(names).items()}
    {'stem': 1, 'layer1': 2, 'fpn': 1}

    Args:
        parameters: names, from the image on.

    Returns:
        layer -> names, in order.
    """
    layers: dict[str, list[str]] = {}
    for name in parameters:
        stage = _STAGE.search(name)
        layer = stage.group(1) if stage else name.split("_")[0]
        layers.setdefault(layer, []).append(name)
    if len(layers) <= MOST:
        return layers
    names = list(layers)
    edges = [round(number * len(names) / MOST) for number in range(MOST + 1)]
    joined = {}
    for start, end in zip(edges, edges[1:]):
        first, last = names[start], names[end - 1]
        title = first if first == last else f"{first}-{last}"
        joined[title] = [name for layer in names[start:end] for name in layers[layer]]
    return joined
