import pytest

from densefit.errors import ConfigError
from densefit.tools import cli
from densefit.tools.serving.web_server import listening


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert cli.main(["watch", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_port_that_is_taken():
    with listening("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(ConfigError, match="cannot listen"):
            listening("127.0.0.1", listener.getsockname()[1])


def test_it_listens_on_this_machine_alone():
    with listening("127.0.0.1", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
