"""Sources of MXNet's iterators, registered for `fit` and `score`.

The three kinds differ by what `reset()` does: it rewinds (`rewound`), it continues an endless
stream of samples (`cyclic`), or it may occur in mid-epoch (`resized`).
"""

from __future__ import annotations

from typing import Any

from densefit.adapters import sources
from densefit.data.loader.sample_loader import SampleLoader
from densefit.engine.sources import Source
from densefit.interop.batches import NamedBatches
from densefit.interop.drawn import OwnBatches
from densefit.interop.foreign_source import ForeignSource
from densefit.interop.iterators.chain import chain_of
from densefit.interop.iterators.cyclic import CyclicSource
from densefit.interop.iterators.data_loaders import loader_in
from densefit.interop.iterators.inside import tell_inside
from densefit.interop.iterators.origins import Ending
from densefit.interop.iterators.prefetching_iter import guard_prefetching_iter
from densefit.interop.iterators.resized import BelievedResize, ResizedSource, resize_of
from densefit.interop.iterators.rewound import RewoundSource
from densefit.interop.mxnet import mx


@sources.register(lambda iterator: not isinstance(iterator, SampleLoader))
def source(iterator: Any) -> Source:
    """Return the source of an iterator that is not a densefit loader.

    Raises:
        DataError: samples cannot be distinguished from padding.
    """
    guard_prefetching_iter(iterator)
    if not isinstance(iterator, (mx.io.DataIter, NamedBatches)):
        return ForeignSource(iterator)
    chain = chain_of(iterator)
    if chain is None:
        tell_inside(iterator)
        if resize_of(iterator) is not None:
            return BelievedResize(iterator)
        loader = loader_in(iterator)
        return ForeignSource(iterator) if loader is None else OwnBatches(iterator, loader)
    if chain.resize is not None:
        return ResizedSource(iterator, chain)
    if chain.origin.ending in (Ending.ROUNDED, Ending.CARRIED):
        return CyclicSource(iterator, chain)
    return RewoundSource(iterator, chain)
