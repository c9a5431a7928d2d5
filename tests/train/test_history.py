"""What a training says of its end."""

import pytest

import densefit as df


@pytest.mark.parametrize(("at", "updates"), [(1, 1), (2, 2), (3, 2)])
def test_the_reason_is_that_of_a_callback_at_the_last_update_too(tiny, at, updates):
    def stop(state, control):
        if state.update == at:
            control.stop("enough")

    network, log = tiny.network(), tiny.Log()
    callbacks = [tiny.Recorder("update_ended", stop), log]
    history = df.fit(network, tiny.loader(network, 8, workers=0), epochs=1, callbacks=callbacks)
    assert history.update == updates
    assert history.stop_reason == ("enough" if at <= 2 else None)


def test_only_a_callback_that_was_started_is_told_of_the_end(tiny):
    told = []

    class Fails(df.Callback):
        def fit_started(self, state, control):
            raise RuntimeError("no room")

        def fit_ended(self, state, error):
            told.append(str(error))

    class Behind(df.Callback):
        def fit_ended(self, state, error):
            told.append("behind")

    network = tiny.network()
    with pytest.raises(RuntimeError, match="no room"):
        df.fit(
            network,
            tiny.loader(network, 8, workers=0),
            epochs=1,
            callbacks=[Fails(), Behind()],
        )
    assert told == ["no room"]
