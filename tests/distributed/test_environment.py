import pytest

from densefit.distributed.environment import RankSettings, settings_of
from densefit.errors import ConfigError

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


def test_a_process_that_was_not_launched_is_alone():
    assert settings_of({}) == RankSettings()


def test_variables_of_torchrun_are_understood():
    settings = settings_of(TORCHRUN)
    assert (settings.rank, settings.size, settings.local_rank) == (3, 4, 1)
    assert settings.host == "127.0.0.1"
    assert settings.ports[0] == 29501
    assert settings.token == settings_of({**TORCHRUN, "RANK": "0"}).token
    assert settings.token != settings_of({**TORCHRUN, "MASTER_PORT": "29501"}).token


def test_the_launcher_names_the_channel():
    more = {"DENSEFIT_CONTROL": "10.0.0.1:99", "DENSEFIT_TOKEN": "x", "DENSEFIT_RESTART": "2"}
    settings = settings_of({**TORCHRUN, **more})
    assert (settings.host, settings.ports) == ("10.0.0.1", (99,))
    assert settings.token == b"x"
    assert settings.restart == 2


@pytest.mark.parametrize(
    "change",
    [
        {"RANK": "4"},
        {"RANK": "-1"},
        {"WORLD_SIZE": "two"},
        {"MASTER_PORT": ""},
        {"DENSEFIT_CONTROL": "here"},
        {"DENSEFIT_SILENT_SECONDS": "0"},
    ],
)
def test_contradictions_are_refused(change):
    with pytest.raises(ConfigError):
        settings_of({**TORCHRUN, **change})


def test_an_address_is_needed():
    with pytest.raises(ConfigError, match="address of rank 0"):
        settings_of({"RANK": "0", "WORLD_SIZE": "2"})
