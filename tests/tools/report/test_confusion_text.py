import pytest

from densefit.tools.report.confusion_text import confusion_lines


def matrix(count, value, names=None):
    """Every class is right `value` times, and once the next one."""
    counts = [[0] * count for _ in range(count)]
    for index in range(count):
        counts[index][index] = value
        counts[index][(index + 1) % count] += 1
    names = names or [f"class number {index}" for index in range(count)]
    return {"names": names, "counts": counts, "what": "images"}


@pytest.mark.parametrize(
    ("count", "value", "kind"),
    [(3, 12345, "images"), (16, 12, "images"), (16, 1234, "%"), (18, 99, "images")],
)
def test_a_matrix_fits_a_line_of_80(count, value, kind):
    title, head, *rows = confusion_lines(matrix(count, value), 80)
    assert title.startswith("confusion")
    assert kind in title
    assert max(map(len, (title, head, *rows))) <= 80
    assert head.split() == [str(number) for number in range(1, count + 1)]
    assert len(rows) == count
    assert [len(row) for row in rows] == [len(head)] * count
    cells = rows[0][-(len(head) - head.index("1 ")) - 8 :].split()
    right = f"{value:,}" if kind == "images" else "100"
    assert right in cells


def test_shares_are_of_the_true_class():
    names = [f"a very long name of a class {index:02d}" for index in range(15)]
    counts = [[0] * 15 for _ in names]
    counts[0][:3] = [6000, 3990, 10]
    (_, _, first, *_) = confusion_lines({"names": names, "counts": counts, "what": "boxes"}, 80)
    assert first.split()[-15:] == ["60", "40", "<1", *["."] * 12]


def test_of_many_classes_the_most_confused_pairs_are_listed():
    many = matrix(40, 9, [f"k{index}" for index in range(40)])
    many["counts"][7][3] = 5
    title, first, *rest = confusion_lines(many, 80)
    assert title.startswith("most confused (images")
    assert first.split() == ["k7", "as", "k3", "5", "33.3", "%"]
    assert len(rest) == 11


def test_without_a_mistake_of_many_classes_it_says_so():
    right = {"names": list("ab") * 30, "counts": [[0] * 60 for _ in range(60)], "what": "images"}
    assert confusion_lines(right, 80) == ["no images of another class"]
