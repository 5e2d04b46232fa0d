import subprocess
import sys

import numpy as np
import pytest

from tscnn.network.backend import keras, ops
from tscnn.training.loss import NAMES, check_loss, is_squared_error, loss_function


def quantile(outcomes, forecasts):
    return ops.mean(ops.maximum(0.9 * (outcomes - forecasts), 0.1 * (forecasts - outcomes)), axis=-1)


class Own(keras.losses.MeanSquaredError):
    def call(self, outcomes, forecasts):
        return 2 * super().call(outcomes, forecasts)


@pytest.mark.parametrize(
    ("loss", "is_squared"),
    [
        *((name, "squared" in name or name == "mse") for name in NAMES),
        ("MSE", True),
        ("MeanSquaredError", True),
        (keras.losses.MeanSquaredError, True),
        (keras.losses.MeanSquaredError(name="mine"), True),
        (keras.losses.mean_squared_error, True),
        ({"class_name": "MeanSquaredError", "config": {}}, True),
        (keras.losses.Huber(delta=0.5), False),
        (keras.losses.LogCosh, False),
        (quantile, False),
        (Own(), False),
        (Own, False),
    ],
)
def test_losses_of_a_regression_are_taken(loss, is_squared):
    assert is_squared_error(loss) == is_squared
    check_loss(loss, 2)
    assert loss_function(loss)(ops.zeros((2, 3, 4, 2)), ops.ones((2, 3, 4, 2))).shape == (2, 3, 4)


@pytest.mark.parametrize(
    "loss", ["nope", None, b"mse", 3, ["mse"], np.array("mse"), {"class_name": "X"}, keras.losses.Loss]
)
def test_errors_name_what_is_no_loss(loss):
    with pytest.raises(
        (TypeError, ValueError), match=r"^`loss` must be one of 'mse', .*, or a function .* Received: loss="
    ):
        check_loss(loss, 2)


@pytest.mark.parametrize(
    "loss",
    [
        "ctc",
        "dice",
        "bce",
        "mape",
        "poisson",
        keras.losses.CategoricalCrossentropy(),
        keras.losses.Hinge,
        keras.losses.cosine_similarity,
        keras.metrics.MeanAbsoluteError(),
    ],
)
def test_errors_name_a_loss_that_fits_no_regression(loss):
    for check in (is_squared_error, lambda one: check_loss(one, 2)):
        with pytest.raises(ValueError, match=r"^`loss` must be one of 'mse', .* is for classes") as caught:
            check(loss)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda y, f: ops.mean(ops.abs(y - f)), r"averages over the last axis alone.* to_shape=\(\)"),
        (lambda y, f: ops.abs(y - f), r"averages over the last axis alone.* to_shape=\(2, 3, 4, 2\)"),
        (lambda y, f: ops.mean(ops.log(f - y), axis=-1), "is finite on standardised columns"),
        (lambda y: y, "but it fails: .* takes 1 positional argument"),
        (lambda y, f: ops.matmul(y, f), "but it fails: "),
    ],
)
def test_errors_of_a_function_say_how_to_mend_it(loss, message):
    with pytest.raises(ValueError, match=rf"^`loss` must be .*{message}") as caught:
        check_loss(loss, 2)
    assert len(str(caught.value)) < 400


def test_names_need_no_keras():
    code = "from tscnn.training.loss import is_squared_error as f; f('mse'); f('mae')"
    code = f"import sys; {code}; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
