import hashlib
import pickle
import sys

import pytest

import densefit as df
from densefit.data.sample import datasets
from densefit.data.transforms import transforms
from densefit.errors import ConfigError, DataError
from densefit.plugin_files import import_plugins, imported, read_plugin

TRANSFORM = """
from densefit.data.transforms import transforms

@transforms.register("as_it_is")
class AsItIs:
    def __call__(self, sample, rng):
        return sample
"""


@pytest.fixture
def write(tmp_path, plugins_of_test):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_a_file_is_a_module_of_the_same_name_wherever_it_lies(write):
    path = write("deep/my_parts.py", TRANSFORM)
    (file,) = import_plugins([path])
    assert file.registered == (("transform", "as_it_is"),)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(file) == f"my_parts.py (sha256 {file.sha256[:12]})"
    transform = df.transform("as_it_is")
    assert type(transform).__module__ == "densefit_plugins.my_parts"
    assert type(pickle.loads(pickle.dumps(transform))) is type(transform)
    assert imported() == (file,)


def test_a_file_is_imported_once_and_again_when_it_has_changed(write):
    path = write("count.py", "import sys\nsys.imports = getattr(sys, 'imports', 0) + 1\n")
    try:
        import_plugins([path, path])
        import_plugins([path])
        assert sys.imports == 1
        import_plugins([write("count.py", "sys = __import__('sys')\nsys.imports += 1\n")])
        assert sys.imports == 2
    finally:
        del sys.imports


def test_a_file_may_use_one_that_is_named_before(write):
    first, second = (
        write("a.py", "SIZE = 3\n"),
        write("b.py", "from densefit_plugins.a import SIZE"),
    )
    import_plugins([first, second])
    assert sys.modules["densefit_plugins.b"].SIZE == 3
    third = write("c.py", "import a\n")
    with pytest.raises(ConfigError, match="name a.py before it in `plugins`, and write `from dens"):
        import_plugins([third])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nimport missing_module_x\n", r"ModuleNotFoundError[\s\S]*line 2: import missing_m"),
        ("x = 1\n\nx = (\n", r"SyntaxError[\s\S]*p.py, line 3: x = \("),
        ("def f():\n    raise OSError('no disk')\nf()\n", r"no disk[\s\S]*line 2: raise OSError"),
        ("raise SystemExit(3)\n", r"SystemExit: 3[\s\S]*line 1"),
        ("x = 1\0", r"cannot be imported[\s\S]*p.py"),
    ],
)
def test_an_import_that_fails_is_an_error_with_its_line(write, text, message):
    with pytest.raises(ConfigError, match=message):
        import_plugins([write("p.py", text)])
    assert "densefit_plugins.p" not in sys.modules
    assert imported() == ()


def test_a_name_that_is_registered_already_is_an_error_with_both_places(write):
    text = TRANSFORM.replace('"as_it_is"', '"random_flip"')
    with pytest.raises(ConfigError) as error:
        import_plugins([write("mine.py", text)])
    assert "'random_flip' is registered twice" in str(error.value)
    assert "mine.py, line 4" in str(error.value)
    assert "densefit.data.transforms.flip" in str(error.value)
    assert transforms.get("random_flip").__module__ == "densefit.data.transforms.flip"


def test_names_of_installed_packages_come_first(write):
    """Built-in datasets are registered when they are first asked for."""
    text = TRANSFORM.replace("transforms", "datasets").replace("data.datasets", "data.sample")
    with pytest.raises(ConfigError, match="'voc' is registered twice"):
        import_plugins([write("mine.py", text.replace("as_it_is", "voc"))])
    assert datasets.get("voc").__module__.startswith("densefit.")


def test_other_files_are_refused_before_anything_runs(write, tmp_path):
    marker = tmp_path / "ran"
    good = write("good.py", f"open({str(marker)!r}, 'w')")
    cases = {
        "no such plugin": tmp_path / "missing.py",
        "this is a folder": tmp_path,
        "NAME.py": write("parts.txt", ""),
        "letters, digits": write("my-parts.py", ""),
        "the same name": write("other/good.py", ""),
    }
    for message, path in cases.items():
        with pytest.raises(ConfigError, match=message):
            import_plugins([good, path])
    assert not marker.exists()


def test_reading_a_file_runs_nothing(write, tmp_path):
    path = write("parts.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert read_plugin(path).registered == ()
    assert not (tmp_path / "ran").exists()


DATASET = """
import multiprocessing

from densefit.data.sample import datasets
from densefit.datasets.shapes import Shapes

if multiprocessing.parent_process() is not None:
    {in_worker}

@datasets.register("my_shapes")
class MyShapes(Shapes):
    pass
"""


def test_worker_processes_run_the_text_that_was_imported(write):
    path = write("my_data.py", DATASET.format(in_worker="pass"))
    import_plugins([path])
    path.write_text("raise OSError('edited while the training runs')")
    dataset = df.dataset("my_shapes", length=4)
    with df.Loader(dataset, batch_size=2, workers=1, worker_kind="processes") as loader:
        ids = [sample_id for batch in loader for sample_id in batch.ids]
    assert ids == [dataset.id_of(index) for index in range(4)]


def test_a_worker_that_cannot_import_a_file_says_where(write):
    import_plugins([write("my_data.py", DATASET.format(in_worker="raise OSError('not here')"))])
    dataset = df.dataset("my_shapes", length=4)
    with df.Loader(dataset, batch_size=2, workers=1, worker_kind="processes") as loader:
        with pytest.raises(DataError, match=r"cannot be imported[\s\S]*my_data.py, line 8"):
            next(iter(loader))
