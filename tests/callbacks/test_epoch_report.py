from densefit.callbacks import TrainState
from densefit.callbacks.epoch_report import epoch_line, validation_lines
from densefit.callbacks.score_board import ScoreBoard

TRAIN = {"boxes/loss": 12.345678, "boxes/class_loss": 7.0, "seg/loss": 0.5, "seg/labelled": 9.0}


def state_of(**changes):
    state = TrainState(None, epochs=2, updates=20, train=lambda: dict(TRAIN), update=10)
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def test_an_epoch_is_a_line():
    assert epoch_line(state_of(seconds=61.0)) == (
        "epoch 1/2, update 10/20 done in 1:01: boxes loss 12.35 (class 7), seg loss 0.5"
    )
    objects = {"annotated": 40, "left": 30, "crowds": 0, "positives/det": 95}
    state = state_of(objects=objects, train=dict)
    assert epoch_line(state).endswith("done in 0:00\n  objects 30 of 40 (75 %), det 95 positives")


def test_a_validation_is_a_table_with_the_declared_main_score_first():
    scores = {"boxes/AP": 0.25, "seg/mIoU": 0.6, "boxes/AP50": 0.5}
    directions = dict.fromkeys(scores, True)
    state = state_of(validation=scores, main_scores=["seg/mIoU", "boxes/AP"], directions=directions)
    lines = [line.plain for line in validation_lines(state, ScoreBoard())]
    assert lines == [
        "  seg/mIoU    0.6000  * the best so far",
        "  boxes/AP    0.2500  * the best so far",
        "  also AP50 0.5000",
    ]


def test_parts_of_losses_are_left_out_of_a_long_line():
    heads = {f"head{n}/{name}": 1.0 for n in range(4) for name in ("loss", "class_loss")}
    line = epoch_line(state_of(train=lambda: heads))
    assert "head3 loss 1" in line
    assert "class" not in line
