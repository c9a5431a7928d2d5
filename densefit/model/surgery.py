"""Model surgery: add heads to a trained network, or remove them, and keep its weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from densefit.errors import ConfigError
from densefit.model.head_names import weight_name
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.parameters import check_head, owners
from densefit.model.sharing.branches import shared_by
from densefit.model.sharing.sharing import make_sharing, sharing_between


def with_head(network: Network, head: Head) -> Network:
    """Add a head to a copy of a network; predictions of the other heads stay bit-equal.

    The copy shares no arrays with `network`. `fit` initializes the parameters of the new head. Loss
    weights that a balancer has learned are kept. To train the new head alone, freeze the rest:

        more = df.surgery.with_head(network, df.head("segmentation", classes=21))
        rest = [*df.surgery.trunk_parameters(more), *df.surgery.head_parameters(more, "detection")]
        df.fit(more, train, freeze=rest, ...)

    If the data have no labels for the old heads, train the new one alone (`without_head`, with
    the trunk frozen) and bring its weights in with `transfer`.

    Args:
        network: network of a backbone and heads.
        head: with a name of its own.

    Raises:
        ConfigError: the network is a symbol's, the name is taken, or the head needs a smaller
            output stride: the trunk would have to be dilated, which changes the features of the
            other heads.
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
    """Remove heads from a copy of a network; predictions of the other heads stay bit-equal.

    The copy shares no arrays with `network`, and has no parameters of the removed heads.

    Args:
        network: network of a backbone and heads.
        names: names of the heads to remove.

    Raises:
        ConfigError: the network is a symbol's, there is no such head, or none would be left.
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
    """Copy a network with other heads. The output stride is kept, so that features are too."""
    spec, backbone = copy.deepcopy(network.spec), copy.deepcopy(network.backbone)
    copied = Network(
        backbone if spec is None else spec["backbone"],
        [copy.deepcopy(head) for head in heads],
        settings=None if spec is None else spec["settings"],
        output_stride=network.output_stride,
        share_until=shared_by(network.share_until, [head.name for head in heads]),
        normalize_by_head=network.normalize_by_head,
        adapt_by_head=network.adapt_by_head,
        sharing=sharing_between(network.sharing, [head.name for head in heads]),
    )
    _check_branches(network, copied)
    if network.initialized:
        names = {*owners(copied), *map(weight_name, copied.adapters)}
        copied.set_params(
            *(
                {n: v for n, v in part.items() if n in names}
                for part in (network.parameters, network.statistics)
            )
        )
    return copied


def _check_branches(network: Network, copied: Network) -> None:
    """Raise ConfigError if a head that stays would compute with other layers of the backbone."""
    if network.sharing is not None:
        _check_sharing(network, copied)
    if not network.copies:
        return
    there, owner_of = owners(network), owners(copied)
    for head in copied.adapters.keys() & network.adapters.keys():
        lacking = [name for name, owner in owner_of.items() if owner == head and name not in there]
        if lacking or not copied.copies:
            raise ConfigError(
                f"The head {head!r} would have other layers of the backbone",
                expected="a tree of heads in which the rest keeps its groups",
                received=f"share_until={network.share_until!r}",
                where=f"heads {', '.join(copied.adapters)}",
                fix="df.surgery.transfer(network, new) brings the weights into a new network",
            )


def _check_sharing(network: Network, copied: Network) -> None:
    """Raise ConfigError if heads that stay would compute otherwise with other heads beside them."""
    spec = network.sharing or {}
    if copied.sharing is None or make_sharing(spec, list(network.adapters)).reads_heads:
        raise ConfigError(
            f"With the sharing {spec['name']!r} heads depend on which other heads there are",
            expected="the same heads",
            received=", ".join(copied.adapters),
            where=f"heads {', '.join(network.adapters)}",
            fix="df.surgery.transfer(network, new) brings the weights into a new network",
        )
