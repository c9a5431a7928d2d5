"""Losses of the segmentation head: names of the terms, factors, auxiliary head, partial labels."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.model.heads.head import Features
from densefit.symbol import sym
from densefit.tasks.segmentation import Segmentation
from tests.executor import Executor

SIZE = (32, 48)
CHANNELS = {4: 4, 8: 5, 16: 8, 32: 7}
SUM = {"cross_entropy": {"weight": 2, "label_smoothing": 0.1}, "dice": 1, "boundary": 0.01}


def made(**settings):
    return Segmentation(["ground", "a", "b"], decoder="fcn", channels=6, **settings)


def features(deepest=32):
    channels = {stride: count for stride, count in CHANNELS.items() if stride <= deepest}
    return Features({s: sym.Variable(f"map{s}") for s in channels}, channels, SIZE)


def losses(head, masks, known=None, deepest=32):
    """Term -> (losses, gradients by name), with the same random numbers for a name."""
    given = features(deepest)
    labels = {label.name: sym.Variable(label.name) for label in head.labels(SIZE)}
    terms = head.train(given, labels)
    assert list(terms) == head.loss_terms
    image, more = np.zeros((*SIZE, 3), np.uint8), {}
    if known is not None:
        more = {"known_mask_classes": np.array(known, bool)}
    targets = [{} if mask is None else {"mask": mask, **more} for mask in masks]
    encoded = [head.encode(Sample("a", image, each)) for each in targets]
    found = {}
    for name, term in terms.items():
        shapes = {f"map{s}": (len(masks), given.channels[s], *given.size(s)) for s in given.maps}
        shapes.update({label.name: (len(masks), *label.shape) for label in head.labels(SIZE)})
        executor = Executor(sym.MakeLoss(term), **shapes)
        for key, array in executor.arg_dict.items():
            seed = sum(map(ord, key.removeprefix(f"{head.name}_")))
            array[:] = np.random.default_rng(seed).normal(0, 0.5, array.shape)
            if key in encoded[0]:
                array[:] = np.stack([each[key] for each in encoded])
        (values,) = executor.forward(is_train=True)
        executor.backward()
        found[name] = values.copy(), executor.grad_dict
    return found


def random_masks(count=3):
    rng = np.random.default_rng(0)
    return list(rng.choice([0, 1, 2, 255], (count, *SIZE)).astype(np.uint8))


def test_a_sum_has_a_term_for_each_loss():
    masks = [*random_masks(2), None]
    together = losses(made(loss=SUM), masks)
    assert list(together) == ["cross_entropy", "dice", "boundary"]
    smoothed = {"cross_entropy": {"label_smoothing": 0.1}}
    for name, factor, settings in (
        ("cross_entropy", 2, smoothed),
        ("dice", 1, "dice"),
        ("boundary", 0.01, "boundary"),
    ):
        (alone,) = losses(made(loss=settings), masks).values()
        values, gradients = together[name]
        np.testing.assert_allclose(values, factor * alone[0], rtol=1e-5, atol=1e-8)
        weight = "segmentation_score4_weight"
        np.testing.assert_allclose(gradients[weight], factor * alone[1][weight], rtol=1e-4)
        assert values[2] == 0  # of a sample without a mask


def test_the_names_of_a_single_loss_are_as_before():
    assert made().loss_terms == made(loss="lovasz").loss_terms == ["loss"]
    assert made(auxiliary=0.4).loss_terms == ["cross_entropy", "auxiliary"]


@pytest.mark.parametrize(("deepest", "stride"), [(32, 16), (16, 16), (8, 8)])
def test_the_auxiliary_loss_is_of_the_map_of_stride_16(deepest, stride):
    head = made(auxiliary=0.4, loss=SUM)
    found = losses(head, random_masks(), deepest=deepest)
    values, gradients = found["auxiliary"]
    for name in CHANNELS:
        if f"map{name}" in gradients:
            assert gradients[f"map{name}"].any() == (name == stride)
    half = losses(made(auxiliary=0.2, loss=SUM), random_masks(), deepest=deepest)["auxiliary"]
    np.testing.assert_allclose(values, 2 * half[0], rtol=1e-5)
    weight = "segmentation_auxiliary_logits_weight"
    assert gradients[weight].shape == (3, CHANNELS[stride] // 4, 1, 1)
    assert gradients[weight].any()


def test_the_auxiliary_head_exists_in_training_only():
    head = made(auxiliary=0.4)
    for graph in (head.evaluate, head.view_outputs, head.raw_outputs):
        for symbol in graph(features()).values():
            assert not [name for name in symbol.list_arguments() if "auxiliary" in name]
    head = df.head("segmentation", classes=["x", "y"], auxiliary=0.4)
    assert head.class_rows()["segmentation_auxiliary_logits_weight"] == ["x", "y"]


@pytest.mark.parametrize(
    "loss", ["cross_entropy", "focal", "dice", "tversky", "lovasz", "boundary", SUM]
)
def test_classes_that_are_not_annotated_get_no_gradient_at_the_background(loss):
    head = made(loss=loss, background="ground", auxiliary=0.4)
    masks = [np.zeros(SIZE, np.uint8)] * 2
    masks[0][:, 20:] = 1
    masks[0][:5] = 0
    background = np.zeros(SIZE, np.uint8)
    for name, (_, gradients) in losses(head, [background], [True, True, False]).items():
        layer = "auxiliary_logits" if name == "auxiliary" else "score4"
        assert gradients[f"segmentation_{layer}_bias"][2] == 0
    for _, gradients in losses(head, masks, [True, True, False]).values():
        assert all(np.isfinite(array).all() for array in gradients.values())


@pytest.mark.parametrize("settings", [{"auxiliary": -1}, {"auxiliary": "on"}, {"loss": "iou"}])
def test_wrong_settings_name_the_head(settings):
    with pytest.raises(ConfigError, match="head 'segmentation'"):
        made(**settings)


def test_a_panoptic_head_has_the_terms_of_its_segmentation():
    head = df.head(
        "panoptic",
        classes=["ground", "a"],
        things=["a"],
        segmentation={"loss": {"cross_entropy": 1, "dice": 1}, "auxiliary": 0.4},
    )
    names = [name for name in head.terms if name.startswith("segmentation_")]
    assert names == ["segmentation_cross_entropy", "segmentation_dice", "segmentation_auxiliary"]
