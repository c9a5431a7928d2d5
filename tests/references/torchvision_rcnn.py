"""torchvision's Faster R-CNN and Mask R-CNN behind given feature maps, and our names of layers.

Importing this module replaces torchvision's RoIAlign by its own version in Python, uncompiled,
which needs neither its library of operators nor a compiler.
"""

import sys

import numpy as np
import torch

from tests.references.torchvision_operators import torchvision

detection = torchvision.models.detection
POOLING = sys.modules["torchvision.ops.roi_align"]
PYTHON = getattr(POOLING._roi_align, "__wrapped__", POOLING._roi_align)
POOLING._roi_align = PYTHON
POOLING._has_ops = lambda: False
POOLING.is_compile_supported = lambda device: True

#: Module of torchvision's -> layer of ours, behind the name of the head.
LAYERS = {
    "rpn.head.conv.0.0": "rpn",
    "rpn.head.cls_logits": "rpn_objectness",
    "rpn.head.bbox_pred": "rpn_box",
    "roi_heads.box_head.fc6": "fc6",
    "roi_heads.box_head.fc7": "fc7",
    "roi_heads.box_predictor.cls_score": "class",
    "roi_heads.box_predictor.bbox_pred": "box",
    **{f"roi_heads.mask_head.{index}.0": f"mask_conv{index}" for index in range(4)},
    "roi_heads.mask_predictor.conv5_mask": "mask_deconv",
    "roi_heads.mask_predictor.mask_fcn_logits": "mask",
}


class RCNN(torch.nn.Module):
    """The region proposal network and the heads, whose settings are a head's of ours.

    Args:
        head: a head `faster_rcnn` or `mask_rcnn`.
        input_size: (height, width).
        pooled: number of levels from which boxes get features.
    """

    def __init__(self, head, input_size, pooled):
        super().__init__()
        self.input_size = input_size
        channels, classes = head.channels, 1 + len(head.classes)
        sizes = tuple(
            tuple(size * stride for size in row) for stride, row in zip(head.strides, head.sizes)
        )
        ratios = tuple(1 / ratio for ratio in head.ratios)
        anchors = detection.anchor_utils.AnchorGenerator(sizes, (ratios,) * len(sizes))
        counts = dict.fromkeys(("training", "testing"), head.proposal_candidates)
        kept = dict.fromkeys(("training", "testing"), head.proposals)
        self.rpn = detection.rpn.RegionProposalNetwork(
            anchors,
            detection.rpn.RPNHead(channels, len(ratios)),
            head.anchor_iou_positive,
            head.anchor_iou_negative,
            head.sampled_anchors,
            0.5,
            counts,
            kept,
            head.proposal_nms_iou,
        )

        def pool(size):
            return torchvision.ops.MultiScaleRoIAlign(
                [str(level) for level in range(pooled)],
                size,
                2,
                canonical_scale=head.canonical_size,
            )

        masks = {}
        if hasattr(head, "mask_channels"):
            layers = detection.mask_rcnn
            width = head.mask_channels
            masks = {
                "mask_roi_pool": pool(14),
                "mask_head": layers.MaskRCNNHeads(channels, (width,) * 4, 1),
                "mask_predictor": layers.MaskRCNNPredictor(width, width, classes),
            }
        self.roi_heads = detection.roi_heads.RoIHeads(
            pool(7),
            detection.faster_rcnn.TwoMLPHead(channels * 49, head.hidden),
            detection.faster_rcnn.FastRCNNPredictor(head.hidden, classes),
            head.iou_positive,
            head.iou_positive,
            head.sampled,
            head.positive_fraction,
            None,
            head.score_threshold,
            head.nms_iou,
            head.max_detections,
            **masks,
        )

    def images(self, count):
        """torchvision's list of images of one size."""
        tensors = torch.zeros(count, 3, *self.input_size)
        return detection.image_list.ImageList(tensors, [self.input_size] * count)

    def forward(self, maps, targets=None):
        """Losses of the batch in training, else the detections of each image."""
        features = {str(level): data for level, data in enumerate(maps)}
        images = self.images(len(maps[0]))
        proposals, losses = self.rpn(images, features, targets)
        results, more = self.roi_heads(features, proposals, images.image_sizes, targets)
        return {**losses, **more} if self.training else results

    def randomize(self, seed=0):
        """Parameters of which proposals, classes and boxes differ from place to place."""
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                scale = 0.1 if parameter.ndim < 2 else np.prod(parameter.shape[1:]) ** -0.5
                if name.endswith("cls_score.weight"):
                    scale *= 4
                values = rng.normal(0, scale, parameter.shape)
                parameter.copy_(torch.from_numpy(values.astype(np.float32)))
        return self

    def arrays(self, name, gradients=False):
        """Parameters, or their gradients, as numpy arrays by the names of our head `name`."""
        arrays = {}
        for key, parameter in self.named_parameters():
            module, _, part = key.rpartition(".")
            array = parameter.grad if gradients else parameter.detach()
            arrays[f"{name}_{LAYERS[module]}_{part}"] = array.numpy()
        return arrays
