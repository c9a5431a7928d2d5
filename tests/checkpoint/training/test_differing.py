"""What is told of two long texts of settings."""

import pytest

from densefit.checkpoint.training.differing import differing
from densefit.checkpoint.training.identity import shown_difference

LONG = ", ".join(f"'class {number}'" for number in range(200))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("{a: 1, b: 2}", "{a: 1, b: 3}", ("b: 2", "b: 3")),
        ("{a: 1}", "{a: 1, b: 3}", ("b: none", "b: 3")),
        ("X(a=1, b={'c, d': [1, 2]})", "X(a=1, b={'c, d': [1, 3]})",
         ("b.c, d[1]: 2", "b.c, d[1]: 3")),
        ("C([A(p=1), B()])", "C([A(p=1), F(p=.5), B()])", ("[1]: none", "[1]: F(p=.5)")),
        ("C([A(), B(p=1)])", "C([A(), B(p=2)])", ("[1].p: 1", "[1].p: 2")),
        ("{t: A(p=1)}", "{t: B(p=1)}", ("t: A(p=1)", "t: B(p=1)")),
        ("{t: A(p=1)}", "{t: None}", ("t: A(p=1)", "t: None")),
        ("M(x=1){a: 1}", "M(x=1){a: 2}", ("a: 1", "a: 2")),
        ("M(x=1){a: 1, x: 1}", "M(x=2){a: 2, x: 2}", ("x: 1; a: 1", "x: 2; a: 2")),
        ("a (b=1) over 5", "a (b=2) over 5", ("b: 1", "b: 2")),
        ("a (b=1) over 5", "a (b=2) over 6", ("a (b=1) over 5", "a (b=2) over 6")),
        ("head {names: ['it''s', 'a']}", "head {names: ['it''s', 'b']}",
         ("names[1]: 'a'", "names[1]: 'b'")),
        ("{n: [1, 2, 3, 4, 5, 6]}", "{n: [0, 0, 0, 0, 0, 0]}",
         ("n[0]: 1; n[1]: 2; n[2]: 3; n[3]: 4; and 2 more",
          "n[0]: 0; n[1]: 0; n[2]: 0; n[3]: 0; and 2 more")),
        ("one)", "two(", ("one)", "two(")),
        ("{a: '(', b: 1}", "{a: '(', b: 2}", ("b: 1", "b: 2")),
    ],
)  # fmt: skip
def test_only_what_differs_is_told_with_its_name(before, now, expected):
    assert differing(before, now) == expected
    assert differing(now, before) == expected[::-1]


def test_of_a_long_value_that_is_no_list_the_place_is_told():
    before, now = differing("a" * 500 + "b" + "c" * 500, "a" * 500 + "d" + "c" * 500)
    assert before == "..." + "a" * 40 + "b" + "c" * 119 + "..."
    assert now == "..." + "a" * 40 + "d" + "c" * 119 + "..."


def test_any_two_texts_are_told_differently():
    texts = ["", "(", "()", "a(b", "a(b=1)", "a(b=1),", "[1, 2]", "[1,, 2]", "'", "'a"]
    texts += ["{a: 1, a: 2}", "{a: 3, a: 2}", "{a: 2}", "{b: 2}", "{}", "[{}]"]
    for before in texts:
        for now in texts:
            told = differing(before, now)
            assert (told[0] != told[1]) == (before != now), (before, now, told)


def test_short_settings_are_told_whole_and_long_ones_by_what_differs():
    assert shown_difference("Cosine(lr=0.1)", None, "schedule") == ("Cosine(lr=0.1)", "none")
    assert shown_difference(0, 1, "seed") == ("0", "1")
    texts = [f"{{dataset: Data([{LONG}], n={n}), last: 'drop'}}" for n in (1, 2)]
    assert shown_difference(*texts, "loader") == ("dataset.n: 1", "dataset.n: 2")
    sums = {"samples": 3, "sha256": "0" * 64}, {"samples": 3, "sha256": "1" * 64}
    assert shown_difference(*sums, "data") == ("3 samples, sum 00000000", "3 samples, sum 11111111")


def test_many_differences_of_one_setting_do_not_hide_another():
    before, now = (
        f"{{shares: {{a: {k}, b: {k}, c: {k}, d: {k}, e: {k}}}, transform: Flip({k})}}"
        for k in (1, 2)
    )
    shown, _ = differing(before, now)
    assert shown.startswith("shares.a: 1; transform: 1; shares.b: 1")
    assert shown.endswith("; and 2 more")
