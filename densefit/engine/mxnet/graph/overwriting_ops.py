"""Operators of MXNet whose gradients overwrite an array instead of being added to it.

Gradients are added in two cases. One is micro-batches: parameters are bound with
`grad_req="add"`, and an operator that reads one directly must add to its gradient. The other is an
array that many operators read, see `densefit.engine.mxnet.graph.gradient_probe`.
"""

from __future__ import annotations

from collections.abc import Collection

from densefit.model.symbol_graph import Node, SymbolGraph

#: Names in a Symbol's JSON. All operators of MXNet 1.9.1 were tested in float32 on a CPU; a user's
#: Custom operator may overwrite, too. 1x1 convolutions without oneDNN (e.g. in float64) are left
#: out: they overwrite the gradient of a map, not of a parameter.
OVERWRITING = frozenset(
    """
    Crop Custom LinearRegressionOutput LogisticRegressionOutput MAERegressionOutput SVMOutput
    SoftmaxOutput SpatialTransformer _contrib_DeformableConvolution _contrib_MultiBoxPrior
    _contrib_boolean_mask _contrib_box_iou _linalg_gelqf _linalg_gemm _linalg_gemm2
    _linalg_inverse _linalg_syevd _linalg_trmm _linalg_trsm _np_cumsum _np_dot _np_trace
    _npi_diff _npi_dsplit _npi_flip _npi_hsplit _npi_mean _npi_norm _npi_polyval _npi_rot90
    _npi_solve _npi_split _npi_tensordot _npi_tensorinv _split_v2 amp_cast clip mean moments
    reverse
    """.split()
)


def with_added_gradients(graph: SymbolGraph, trained: Collection[str]) -> SymbolGraph:
    """Let overwriting operators read copies of parameters, whose gradients are added correctly.

    Args:
        graph: graph for training; returned unchanged without such operators.
        trained: names of its parameters that have gradients.
    """

    def copy_inputs(_: Node, node: Node) -> Node:
        if node.op in OVERWRITING:
            for position, source in enumerate(node.inputs):
                if source.node.is_variable and source.node.name in trained:
                    copied = Node("_copy", f"{node.name}_input{position}", (source,))
                    node = node.with_input(position, copied)
        return node

    return graph.rewrite(copy_inputs)
