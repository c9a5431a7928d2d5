"""Model surgery: copies of a network, with its weights, with a head added or removed."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from densefit.errors import ConfigError
from densefit.model.head_names import weight_name
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.parameters import check_head, owners


def with_head(network: Network, head: Head) -> Network:
    """Return a copy of a network with one more head; other heads' predictions stay bit-equal.

    The copy shares no arrays with `network`. The new head's parameters are initialized by `fit`.
    Learned loss weights of the other heads are kept. To train the new head alone, freeze the rest:

        more = df.surgery.with_head(network, df.head("segmentation", classes=21))
        rest = [*df.surgery.trunk_parameters(more), *df.surgery.head_parameters(more, "detection")]
        df.fit(more, train, freeze=rest, ...)

    If the data have no labels for the old heads, train the new one alone (`without_head`, with
    the trunk frozen) and load its weights with `transfer`.

    Args:
        network: a network of a backbone and heads.
        head: a head with a new name.

    Raises:
        ConfigError: the network is of a symbol, the name is taken, or the head requires a smaller
            output stride: a dilated trunk would change the feature maps of the other heads.
    """
    _check(network)
    if head.output_stride < network.output_stride:
        raise ConfigError(
            f"The head {head.name!r} asks for a smaller output stride than the network has: a "
            "dilated trunk would change what the other heads see",
            expected=f"an output stride of {network.output_stride} or more",
            received=head.output_stride,
            where=f"heads {', '.join(network.adapters)}",
            fix=f"df.Network(..., output_stride={network.output_stride}) of all heads keeps the "
            "trunk and has the new head do with coarser maps; without output_stride, all heads are "
            "to be trained further. df.surgery.transfer(network, new) brings the weights into "
            "either",
        )
    return _with(network, [*network.heads, head])


def without_head(network: Network, *names: str) -> Network:
    """Return a copy of a network without some heads; other heads' predictions stay bit-equal.

    The copy shares no arrays with `network`, and lacks the removed heads' parameters.

    Args:
        network: a network of a backbone and heads.
        names: names of the heads to remove.

    Raises:
        ConfigError: the network is of a symbol, there is no such head, or none would be left.
    """
    _check(network)
    for name in names:
        check_head(network, name)
    left = [head for head in network.heads if head.name not in names]
    if not left:
        raise ConfigError(
            "No head would be left", received=", ".join(names), fix="a network needs at least one"
        )
    return _with(network, left)


def _check(network: Network) -> None:
    if not network.heads:
        raise ConfigError(
            "The network is made of a symbol, whose heads are outputs of one graph",
            expected="a Network of a backbone and heads",
            fix="make the symbol with the outputs that you want, a df.Network of it, and bring "
            "the weights in: df.surgery.transfer(network, new)",
        )


def _with(network: Network, heads: Sequence[Head]) -> Network:
    """Copy a network with these heads; keeps its output stride, hence the feature maps."""
    spec, stride = copy.deepcopy(network.spec), network.output_stride
    copies = [copy.deepcopy(head) for head in heads]
    if spec is not None:
        created = Network(spec["backbone"], copies, settings=spec["settings"], output_stride=stride)
    else:
        created = Network(copy.deepcopy(network.backbone), copies, output_stride=stride)
    if network.initialized:
        names = {*owners(created), *map(weight_name, created.adapters)}
        created.set_params(
            *(
                {n: v for n, v in part.items() if n in names}
                for part in (network.parameters, network.statistics)
            )
        )
    return created
