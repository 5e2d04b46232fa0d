import subprocess
import sys

import numpy as np
import pytest

from tscnn.network.settings import TCN
from tscnn.training.settings import Training


@pytest.mark.parametrize("group", [TCN, Training])
def test_settings_are_read_and_changed_in_a_copy(group):
    settings = group()
    name, value = next(iter(settings.get_params().items()))
    changed = settings.set_params(**{name: 7})
    assert getattr(changed, name) == 7
    assert getattr(settings, name) == value
    assert {**changed.get_params(), name: value} == settings.get_params()
    with pytest.raises(ValueError, match=rf"{group.__name__} has no setting 'colour'.*colour=3"):
        settings.set_params(colour=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "Received: epochs=0"),
        ({"epochs": "all"}, "`epochs` must be 'auto' or an integer .* Received: epochs='all'"),
        ({"segment_origins": np.array([1, 2])}, "`segment_origins` must be 'auto' or an integer"),
        ({"mode": np.array(["dense", "x"])}, "`mode` must be one of 'dense', 'window'"),
        ({"round_gain": 1}, "Received: round_gain=1"),
        ({"n_steps": True}, "Received: n_steps=True"),
        ({"step_values": 10**5000}, "Received: step_values="),
        ({"mode": "both"}, "Received: mode='both'"),
        ({"precision": "float16"}, "Received: precision='float16'"),
        ({"learning_rate": 0}, "Received: learning_rate=0"),
        ({"weight_decay": -1}, "Received: weight_decay=-1"),
        ({"batch_size": 2.5}, "Received: batch_size=2.5"),
        ({"looped_steps": 0}, "Received: looped_steps=0"),
        ({"level": 1}, "Received: level=1"),
    ],
)
def test_errors_name_a_bad_setting_of_training(changes, message):
    Training().check()
    with pytest.raises((TypeError, ValueError), match=message):
        Training(**changes).check()


def test_settings_need_no_keras():
    code = "import sys, tscnn.training.settings, tscnn.network.settings; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
