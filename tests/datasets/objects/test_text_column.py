import pickle

import pytest

from densefit.datasets.objects.text_column import TextColumn


@pytest.mark.parametrize("texts", [[], ["a"], ["", "b/c.jpg", ""], ["\u72d7", "\udcff.png", "x"]])
def test_texts_come_back(texts):
    column = pickle.loads(pickle.dumps(TextColumn.of(texts)))
    assert list(column) == texts
    assert [column[i] for i in range(len(column))] == texts
    assert [column[i - len(texts)] for i in range(len(texts))] == texts
    with pytest.raises(IndexError):
        column[len(texts)]
