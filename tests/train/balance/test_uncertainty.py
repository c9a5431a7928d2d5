import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.symbol import sym
from densefit.train.balance import Uncertainty, weighted_loss
from tests.executor import Executor, compute

LOSSES = np.array([0.5, 2.0, 0.0, 1.5], np.float32)


def computed(kind, losses, s, labelled=None, penalty="uncertainty"):
    """(loss of each sample, gradients of the mean by the losses and by s)."""
    inputs = {"loss": sym.Variable("loss"), "s": sym.Variable("s")}
    values = {"loss": np.float32(losses), "s": np.float32([s])}
    mask = None
    if labelled is not None:
        mask, values["mask"] = sym.Variable("mask"), np.float32(labelled)
    symbol = weighted_loss(inputs["loss"], inputs["s"], kind, mask, penalty)
    shapes = {name: value.shape for name, value in values.items()}
    executor = Executor(sym.MakeLoss(symbol), **shapes)
    (out,) = executor.forward(is_train=True, **values)
    executor.backward()
    count = len(losses)  # by which the framework divides
    return out, executor.grad_dict["loss"] / count, executor.grad_dict["s"][0] / count


def paper(kind, mean_loss, s):
    """Equations 5 and 10: sigma^2 = exp(s), log sigma = s / 2."""
    variance = np.exp(s)
    return mean_loss / (variance if kind == "classification" else 2 * variance) + np.log(
        np.sqrt(variance)
    )


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("s", [-1.0, 0.0, 2.0])
def test_the_mean_over_samples_is_the_papers_loss(kind, s):
    out, by_loss, by_s = computed(kind, LOSSES, s)
    assert out.shape == (4,)
    mean = float(LOSSES.mean())
    assert out.mean() == pytest.approx(paper(kind, mean, s), rel=1e-5)
    step = 1e-5
    slope = (paper(kind, mean, s + step) - paper(kind, mean, s - step)) / (2 * step)
    assert by_s == pytest.approx(slope, rel=1e-4, abs=1e-6)
    slope = (paper(kind, mean + step, s) - paper(kind, mean - step, s)) / (2 * step)
    np.testing.assert_allclose(by_loss, slope / 4, rtol=1e-4)


def test_the_revised_form_is_liebels_and_koerners():
    """Equation 4: L / (2 sigma^2) + ln(1 + sigma^2), for a regression."""
    for s in (-1.0, 0.0, 2.0):
        out, by_loss, by_s = computed("regression", LOSSES, s, penalty="revised")
        mean, variance = float(LOSSES.mean()), np.exp(s)
        assert out.mean() == pytest.approx(mean / (2 * variance) + np.log1p(variance), rel=1e-5)
        slope = -mean / (2 * variance) + variance / (1 + variance)
        assert by_s == pytest.approx(slope, rel=1e-4)
        np.testing.assert_allclose(by_loss, 1 / (2 * variance) / 4, rtol=1e-5)


def test_imtl_l_is_torchjds_with_the_other_sign():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchjd.scalarization").IMTLL(1)
    for s in (-1.0, 0.5):
        with torch.no_grad():
            theirs.log_scale.fill_(-s)
        theirs.log_scale.grad = None
        expected = theirs(torch.tensor([float(LOSSES.mean())]))
        expected.backward()
        out, _, by_s = computed("classification", LOSSES, s, penalty="imtl_l")
        assert out.mean() == pytest.approx(expected.item(), rel=1e-5)
        assert by_s == pytest.approx(-theirs.log_scale.grad.item(), rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "best"), [("classification", np.log(2 * 0.7)), ("regression", np.log(0.7))]
)
def test_descent_ends_at_the_closed_form(kind, best):
    s = 1.0
    for _ in range(200):
        s -= 0.5 * computed(kind, np.full(3, 0.7, np.float32), s)[2]
    assert s == pytest.approx(best, abs=1e-4)


def test_samples_without_labels_do_not_move_s():
    _, _, by_s = computed("classification", LOSSES * 0, 0.3, labelled=np.zeros(4))
    assert by_s == 0
    _, _, some = computed("classification", LOSSES * [1, 1, 0, 0], 0.3, labelled=[1, 1, 0, 0])
    _, _, alone = computed("classification", LOSSES[:2], 0.3)
    assert some == pytest.approx(alone / 2, rel=1e-6)


def test_a_head_s_parameter_starts_where_it_is_told():
    balancer = Uncertainty({"depth": "regression"}, initial=-0.5)
    balancer.begin(["depth", "mask"])
    symbol = sym.MakeLoss(balancer.weighted("depth", sym.Variable("loss")))
    start = {"learning_rate": 0.0}
    network = df.fit(
        symbol,
        df.interop.batches([(LOSSES,)], data=["loss"], labels=[]),
        updates=1,
        optimizer_params=start,
    ).network
    assert network.parameters["depth_log_variance"].tolist() == [-0.5]
    expected = np.exp(0.5) * LOSSES / 2 - 0.25
    (out,) = compute(symbol, {"loss": LOSSES, "depth_log_variance": [-0.5]})
    np.testing.assert_allclose(out, expected, rtol=1e-5)


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match=r"classification or regression[^|]*head depth"):
        Uncertainty({"depth": "regresion"})
    with pytest.raises(ConfigError, match="no head 'depth'"):
        Uncertainty({"depth": "regression"}).begin(["mask"])
    with pytest.raises(ConfigError, match="initial="):
        Uncertainty(initial=float("nan"))


@pytest.mark.parametrize("s", [-1e3, -100.0, 1e3, float("inf"), -float("inf")])
def test_a_learned_weight_of_any_size_is_told(s):
    balancer = Uncertainty()
    balancer.begin(["a"])
    assert balancer.weights_now(0, lambda name: s)["a"] == pytest.approx(
        np.exp(-np.clip(s, -700, 700))
    )


@pytest.mark.parametrize("initial", [81, -81, 1e9])
def test_a_beginning_whose_weight_is_no_number_is_refused(initial):
    with pytest.raises(ConfigError, match="-80 to 80"):
        Uncertainty(initial=initial)
