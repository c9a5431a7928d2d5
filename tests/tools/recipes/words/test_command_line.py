import pytest

from densefit.tools.recipes.words.command_line import completed, underscored


def test_hyphens_are_underscores_in_options_only():
    assert underscored("--iou-type") == "--iou_type"
    assert underscored("--truth-ending=_a-b.png") == "--truth_ending=_a-b.png"
    for word in ("a-b", "-5", "--data.settings.a-b"):
        assert underscored(word) == word


@pytest.mark.parametrize(
    ("words", "complete"),
    [
        (["run", "--raw"], ["--checkpoint", "run", "--raw", "true"]),
        (["--raw", "false", "run"], ["--raw", "false", "run"]),
        (["run", "--raw", "--half"], ["--checkpoint", "run", "--raw", "true", "--half", "true"]),
        (["--raw=false"], ["--raw=false"]),
        ([], []),
    ],
)
def test_a_first_word_and_flags_are_completed(words, complete):
    assert completed(words, "checkpoint", ["raw", "half"]) == complete
