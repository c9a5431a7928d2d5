"""Types of inputs that MXNet's operators can compute with.

MXNet infers every type from the data's, and refuses int labels for a SoftmaxOutput and uint8
images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import BindError


def input_types(
    symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Choose the types of all inputs, unchanged if the graph can compute with them."""
    dtypes = {name: np.dtype(desc.dtype) for name, desc in {**data, **labels}.items()}
    inputs, reasons = set(dtypes), []
    for chosen in _candidates(dtypes, labels):
        try:
            types = {name: kind.type for name, kind in chosen.items()}
            kinds, _, states = symbol._infer_type_impl(False, **types)
        except (mx.base.MXNetError, RuntimeError) as error:
            reasons.append(str(error).strip().splitlines()[-1])
            continue
        names = symbol.list_arguments()
        argument_types = dict(zip(names, kinds or [chosen.get(n, np.float32) for n in names]))
        if all(
            np.dtype(t) in _TRAINED for n, t in argument_types.items() if n not in inputs
        ) and all(np.dtype(t) in _TRAINED for t in states or ()):
            return {name: np.dtype(argument_types[name]).type for name in dtypes}
        reasons.append("its parameters would have a type that cannot be trained on a CPU")
    raise BindError(
        "The types of the data and labels do not fit the symbol",
        received={name: t.name for name, t in dtypes.items()},
        where=where,
        fix=reasons[0],
    )


_TRAINED = (np.dtype(np.float32), np.dtype(np.float64))


def _candidates(
    dtypes: Mapping[str, np.dtype], labels: Mapping[str, Any]
) -> Iterator[dict[str, np.dtype]]:
    """Yield types to try, the data's first; MXNet infers the types of missing inputs."""
    single = np.dtype(np.float32)
    yield dict(dtypes)
    yield {name: t for name, t in dtypes.items() if name not in labels}
    as_numbers = {
        name: t if name in labels or t in _TRAINED else single for name, t in dtypes.items()
    }
    yield as_numbers
    yield {name: t for name, t in as_numbers.items() if name not in labels}
    yield {name: single if name in labels else t for name, t in dtypes.items()}
    yield dict.fromkeys(dtypes, single)
