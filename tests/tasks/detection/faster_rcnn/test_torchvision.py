"""The whole head computes what torchvision's modules compute, with the same parameters."""

import numpy as np
import pytest
import torch

from densefit.symbol import sym
from tests.tasks.detection.faster_rcnn.conftest import SIZE, encoded, feature_maps, samples

LOSSES = {
    "objectness_loss": "loss_objectness",
    "proposal_loss": "loss_rpn_box_reg",
    "class_loss": "loss_classifier",
    "box_loss": "loss_box_reg",
}


def torch_maps(maps, rows=slice(None)):
    return [torch.tensor(data[rows], requires_grad=True) for data in maps]


def close(received, expected, message=""):
    scale = np.abs(expected).max(initial=1e-6)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=message)


def test_outputs_of_the_region_proposal_network(behind, reference):
    maps = feature_maps()
    scores, offsets = behind.head.anchor_predictions(behind.levels)
    outputs = {"scores": sym.concat(*scores, dim=1), "offsets": sym.concat(*offsets, dim=1)}
    received = behind.bind(outputs, reference.arrays("own"), maps).forward()
    from torchvision.models.detection.rpn import concat_box_prediction_layers

    with torch.no_grad():
        expected = concat_box_prediction_layers(*reference.rpn.head(torch_maps(maps)))
    for array, tensor in zip(received, expected):
        close(array.reshape(-1), tensor.reshape(-1).numpy())


def test_proposals(behind, reference):
    maps = feature_maps()
    boxes, used = behind.head.propose(*behind.head.anchor_predictions(behind.levels), SIZE)
    outputs = {"boxes": boxes, "used": used}
    boxes, used = behind.bind(outputs, reference.arrays("own"), maps).forward()
    features = {str(index): data for index, data in enumerate(torch_maps(maps))}
    with torch.no_grad():
        expected, _ = reference.eval().rpn(reference.images(3), features)
    for row in range(3):
        assert used[row].sum() == len(expected[row]) > 10
        close(boxes[row][used[row] > 0], expected[row].numpy())
        assert (boxes[row][used[row] == 0] == -1).all()


def test_losses_and_gradients(behind, reference):
    """Of each sample, the last of which has no boxes."""
    maps, own = feature_maps(), samples()
    labels = encoded(behind.head, own)
    terms = behind.train()
    executor = behind.bind(terms, reference.arrays("own"), maps, labels)
    received = dict(zip(terms, executor.forward(is_train=True)))
    executor.backward()
    levels = [np.zeros_like(data) for data in maps]
    for row, sample in enumerate(own):
        target = {
            "boxes": torch.from_numpy(sample.targets["boxes"]),
            "labels": torch.from_numpy(sample.targets["classes"] + 1),
        }
        inputs = torch_maps(maps, slice(row, row + 1))
        losses = reference.train()(inputs, [target])
        sum(losses.values()).backward()
        for name, key in LOSSES.items():
            assert received[name][row] == pytest.approx(losses[key].item(), rel=1e-4, abs=1e-6)
        for level, data in zip(levels, inputs):
            level[row] = data.grad[0].numpy()
    assert (received["box_loss"][:2] > 0).all()
    for index, expected in enumerate(levels):
        close(executor.grad_dict[f"level{index}"], expected, f"level {index}")
    for name, expected in reference.arrays("own", gradients=True).items():
        close(executor.grad_dict[name], expected, name)


def test_detections(behind, reference):
    maps = feature_maps()
    outputs = behind.head.evaluate(behind.features)
    (boxes,) = behind.bind(outputs, reference.arrays("own"), maps).forward()
    with torch.no_grad():
        expected = reference.eval()(torch_maps(maps))
    for rows, result in zip(boxes, expected):
        used = rows[rows[:, 0] >= 0]
        assert len(used) == len(result["boxes"]) > 3
        np.testing.assert_array_equal(used[:, 0] + 1, result["labels"].numpy())
        close(used[:, 1], result["scores"].numpy())
        close(used[:, 2:], result["boxes"].numpy())
