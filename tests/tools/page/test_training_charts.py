from densefit.tools.page.training_charts import training_charts


def record(kind, update, **numbers):
    values = {key.replace("__", "/"): value for key, value in numbers.items()}
    return {
        "kind": kind,
        "update": update,
        "epoch": update // 10,
        "seconds": 1.0,
        "lr": 0.1,
    } | values


def titles(lines):
    return [chart.title for chart in training_charts(lines)]


def history(validations=2):
    lines = [record("update", 5, seg__loss=2.0)]
    for update in (10, 20):
        lines.append(record("epoch", update, seg__loss=1.0, seg__dice=0.5, seg__loss_weight=1.0))
    for update in (10, 20)[:validations]:
        lines.append(record("validation", update, seg__mIoU=0.3, seg__rmse=40.0))
    return lines


def test_a_chart_for_losses_for_scores_of_one_size_and_for_the_rate():
    scores = "seg on validation data"
    titles_of_scores = [f"{scores} (1 of 2)", f"{scores} (2 of 2)"]
    assert titles(history()) == ["seg losses", *titles_of_scores, "Learning rate"]


def test_the_main_score_and_the_total_loss_are_strong():
    lines = history()
    for line in lines:
        if line["kind"] == "validation":
            line["seg/accuracy"] = 0.9
    losses, scores, alone, _ = training_charts(lines, ["seg/accuracy"])
    strong = {drawn.line.name for drawn in losses.lines if drawn.line.is_strong}
    assert strong == {"loss"}
    assert [(drawn.line.name, drawn.line.is_strong) for drawn in scores.lines] == [
        ("accuracy", True),
        ("mIoU", False),
    ]
    assert not any(drawn.line.is_strong for drawn in alone.lines)


def test_the_loss_comes_first_and_weights_are_no_losses():
    losses = training_charts(history())[0]
    assert [drawn.line.name for drawn in losses.lines] == ["loss", "loss", "dice", "dice"]
    assert [drawn.line.is_thin for drawn in losses.lines] == [True, False, True, False]


def test_one_validation_is_no_curve():
    assert titles(history(validations=1)) == ["seg losses", "Learning rate"]


def test_a_long_training_is_thinned():
    lines = [record("update", update, seg__loss=1.0) for update in range(5000)]
    assert training_charts(lines)[0].lines[0].path.count("L") == 599
