"""The table of operators is MXNet's registry."""

import pytest

from densefit.backend import mx
from densefit.symbol.builder import operators, registry, sym

#: Functions that run subgraphs, or optimizers' updates, which no Symbol can make.
ABSENT = {"cond", "foreach", "while_loop", "rand_zipfian", "adamw_update", "mp_adamw_update"}
ABSENT |= {"reset_arrays"}


def test_the_table_is_what_the_registry_says():
    """If not, run `python -m densefit.symbol.builder.registry`."""
    assert operators.table() == registry.read_registry()


@pytest.mark.parametrize("name", ["", "contrib", "linalg", "image", "sparse", "random", "op"])
def test_every_function_of_mxnet_is_there(name):
    theirs = getattr(mx.sym, name) if name else mx.sym
    ours = getattr(sym, name) if name else sym
    names = {
        key
        for key in (theirs.__all__ if name != "random" else vars(theirs))
        if not key.startswith("_") and callable(getattr(theirs, key))
    }
    imported = {"Symbol", "current_context", "numeric_types"}
    assert not {key for key in names - imported if not hasattr(ours, key)} - ABSENT
    assert len(names) > 5 or name in ("sparse", "image")
