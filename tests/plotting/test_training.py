import pandas as pd
import pytest

from tscnn.plotting import plot_training


def test_losses_by_epoch_and_the_best_one():
    history = pd.DataFrame({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 2.5], "seconds": [1, 1, 1]})
    panel = plot_training(history)
    assert [line.get_label() for line in panel.lines[:2]] == ["training rows", "validation rows"]
    assert panel.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert panel.texts[0].get_text() == "epoch 2"
    assert not plot_training(history[["loss"]]).texts


@pytest.mark.parametrize("history", [3, pd.DataFrame({"loss": []}), pd.DataFrame({"seconds": [1.0]})])
def test_what_has_no_losses_is_refused(history):
    with pytest.raises((TypeError, ValueError), match=r"`history` must .*Received"):
        plot_training(history)


def test_without_a_network_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="without a network there are none"):
        plot_training(pd.DataFrame())
