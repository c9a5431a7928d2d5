import io
import sys

import densefit as df
from densefit.tools.recipes.run.progress import WithProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def loader():
    return df.Loader(df.dataset("shapes", length=5, size=(24, 24)), batch_size=2, workers=1)


def test_it_is_the_loader_otherwise():
    own = loader()
    with WithProgress(own, "reading") as watched:
        assert watched.batch_size == 2
        assert len(watched) == len(own) == 3
        assert [len(batch.ids) for batch in watched] == [2, 2, 1]


def test_lines_in_a_pipe(capsys):
    with WithProgress(loader(), "reading", every=0.0) as watched:
        list(watched)
    assert capsys.readouterr().err.splitlines()[-1] == "reading: 5/5 samples"


def test_views_count_by_their_samples(capsys):
    dataset = df.dataset("shapes", length=3, size=(24, 24))
    views = df.Views(flip=True)
    own = df.Loader.views(dataset, input_size=(24, 24), batch_size=4, views=views, workers=0)
    with WithProgress(own, "reading", every=0.0) as watched:
        list(watched)
    assert capsys.readouterr().err.splitlines() == ["reading: 2/3 samples", "reading: 3/3 samples"]


def test_nothing_if_it_is_quick(capsys):
    with WithProgress(loader(), "reading") as watched:
        list(watched)
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with WithProgress(loader(), "reading") as watched:
        list(watched)
    assert "5/5" in sys.stderr.getvalue()
