"""Operators of object detection."""

from __future__ import annotations

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, rule


@rule("_contrib_box_nms")
def box_nms(shapes: NodeShapes) -> None:
    """Boxes with those of lower scores struck out."""
    for position in range(len(shapes.outputs)):
        shape = shapes.inputs[0]
        if shape is not None:
            shapes.set_output(shape if position == 0 else (*shape[:-1], 1), position)


@rule("_contrib_box_iou")
def box_iou(shapes: NodeShapes) -> None:
    """Overlap of each box with each other."""
    left, right = shapes.inputs
    if left is not None and right is not None:
        shapes.set_output((*left[:-1], *right[:-1]))


@rule("_contrib_bipartite_matching")
def bipartite_matching(shapes: NodeShapes) -> None:
    """A match for each row, and for each column."""
    shape = shapes.inputs[0]
    if shape is not None:
        shapes.set_output(shape[:-1])
        shapes.set_output((*shape[:-2], shape[-1]), 1)


@rule("_contrib_box_encode")
def box_encode(shapes: NodeShapes) -> None:
    """Targets of anchors, and their masks."""
    anchors = shapes.inputs[2]
    for position in range(2):
        shapes.set_output(anchors, position)


@rule("_contrib_box_decode")
def box_decode(shapes: NodeShapes) -> None:
    """Boxes of offsets."""
    shapes.set_output(shapes.inputs[0])


@rule("_contrib_MultiBoxPrior")
def multibox_prior(shapes: NodeShapes) -> None:
    """Anchors of each cell of a map."""
    shape = shapes.whole(0)
    if shape is not None:
        sizes, ratios = shapes.numbers("sizes"), shapes.numbers("ratios")
        count = shape[2] * shape[3] * (len(sizes) + len(ratios) - 1)
        shapes.set_output((1, count, 4))


@rule("_contrib_MultiBoxTarget")
def multibox_target(shapes: NodeShapes) -> None:
    """Offsets, their mask, and the class of each anchor."""
    anchors, labels = shapes.whole(0), shapes.whole(1)
    if anchors is None or labels is None:
        return
    for position, width in ((0, 4), (1, 4), (2, 1)):
        shapes.set_output((labels[0], anchors[1] * width), position)


@rule("_contrib_MultiBoxDetection")
def multibox_detection(shapes: NodeShapes) -> None:
    """Six numbers for each anchor."""
    scores, anchors = shapes.whole(0), shapes.whole(2)
    if scores is not None and anchors is not None:
        shapes.require(scores[2] == anchors[1], f"scores {scores} of anchors {anchors}")
        shapes.set_output((scores[0], anchors[1], 6))


@rule("_contrib_Proposal", "_contrib_MultiProposal")
def proposal(shapes: NodeShapes) -> None:
    """Boxes of a region proposal network, with the number of their image."""
    scores = shapes.inputs[0]
    if scores is None:
        return
    n, channels, height, width = scores
    shapes.set_input(1, (n, channels * 2, height, width))
    shapes.set_input(2, (n, 3))
    is_many = "Multi" in getattr(shapes.node.operator, "name", "")
    count = shapes.number("rpn_post_nms_top_n") * (n if is_many else 1)
    shapes.set_output((count, 5))
    shapes.set_output((count, 1), 1)


@rule("ROIPooling", "_contrib_ROIAlign", "_contrib_RROIAlign")
def roi_pooling(shapes: NodeShapes) -> None:
    """A map of fixed size for each region."""
    shape, regions = shapes.inputs
    if shape is None or regions is None:
        return
    channels = shape[1]
    size = shapes.numbers("pooled_size")
    if "position_sensitive" in shapes.node.attrs and shapes.flag("position_sensitive"):
        channels //= size[0] * size[-1]
    for position in range(len(shapes.outputs)):
        shapes.set_output((regions[0], channels, size[0], size[-1]), position)


@rule("_contrib_PSROIPooling", "_contrib_DeformablePSROIPooling")
def psroi_pooling(shapes: NodeShapes) -> None:
    """A position-sensitive map of fixed size for each region."""
    regions = shapes.inputs[1]
    if regions is not None:
        side = shapes.number("pooled_size")
        shape = (regions[0], shapes.number("output_dim"), side, side)
        for position in range(len(shapes.outputs)):
            shapes.set_output(shape, position)
