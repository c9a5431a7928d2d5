from densefit.callbacks.epoch_report import EpochReport

TRAIN = {"boxes/loss": 12.345678, "boxes/class_loss": 7.0, "seg/loss": 0.5}
SCORES = {"street/seg/mIoU": 0.61234, "boxes/AP": 0.25, "composite": 0.43}


def test_what_fits_is_one_line():
    report = EpochReport("epoch 1", TRAIN, "12 objects", SCORES)
    line = report.text()
    assert line == (
        "epoch 1: boxes/loss 12.35, boxes/class_loss 7, seg/loss 0.5; 12 objects; "
        "validation: street/seg/mIoU 0.6123, boxes/AP 0.25, composite 0.43"
    )
    assert report.text(len(line)) == line


def test_what_does_not_fit_is_a_line_a_head():
    report = EpochReport("epoch 1", TRAIN, "12 objects", SCORES)
    assert report.text(len(report.text()) - 1).splitlines() == [
        "epoch 1",
        "  boxes: loss 12.35, class_loss 7",
        "  seg: loss 0.5",
        "  12 objects",
        "  validation street/seg: mIoU 0.6123",
        "  validation boxes: AP 0.25",
        "  validation: composite 0.43",
    ]


def test_a_validation_in_mid_epoch_has_no_training_numbers():
    report = EpochReport("update 3", validation={"boxes/AP": 0.25})
    assert report.text() == "update 3; validation: boxes/AP 0.25"
    assert report.text(10) == "update 3\n  validation boxes: AP 0.25"
