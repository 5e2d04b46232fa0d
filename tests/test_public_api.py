import subprocess
import sys
from importlib.metadata import version

import pytest

import tscnn
from tests.conftest import QUICK_START

NAMES = [
    "TCN",
    "Forecaster",
    "LinearModel",
    "Reconstructor",
    "SeasonalNaive",
    "Taps",
    "Training",
    "UNet",
    "__version__",
    "audit",
    "build_model",
    "compare",
    "conv_output_length",
    "datasets",
    "evaluate",
    "find_field",
    "find_holes",
    "fit_many",
    "layers",
    "make_windows",
    "metrics",
    "plan_layers",
    "plot_receptive_field",
    "reachable_lags",
    "receptive_field",
    "windows",
]


def imported_by(statement: str) -> set[str]:
    """Return the heavy packages that a fresh interpreter has imported after `statement`."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {"keras", "matplotlib", "pandas", "scipy", "sklearn", "tensorflow"} & set(done.stdout.split())


def test_exported_names():
    assert tscnn.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves_and_is_listed(name):
    assert getattr(tscnn, name) is getattr(tscnn, name) or name == "__version__"
    assert name in dir(tscnn)


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'tscnn' has no attribute 'Forcaster'"):
        _ = tscnn.Forcaster


def test_version_is_that_of_the_installation():
    assert tscnn.__version__ == version("tscnn")


def test_receptive_field_stays_the_function():
    code = "import tscnn, tscnn.network.receptive_field, tscnn.network; assert callable(tscnn.receptive_field)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_light():
    assert imported_by("import tscnn") == set()


@pytest.mark.parametrize("imports", ["tscnn.forecaster, sklearn.base", "sklearn.base, tscnn.forecaster"])
@pytest.mark.slow
def test_a_forecaster_is_an_estimator_of_scikit_learn_in_any_order_of_imports(imports):
    code = f"import {imports}; assert issubclass(tscnn.forecaster.Forecaster, sklearn.base.BaseEstimator)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_light_modules_need_no_framework():
    modules = ["datasets", "linear", "network.receptive_field", "network.term", "transforms", "windows", "evaluation"]
    assert imported_by("; ".join(f"import tscnn.{module}" for module in modules)) <= {"pandas"}


@pytest.mark.slow
def test_fitting_and_forecasting_without_a_network_needs_no_framework():
    fit = "Forecaster(4, network=None, validation_fraction=0).fit([[i % 3] for i in range(40)]).predict()"
    assert imported_by(f"from tscnn import Forecaster; {fit}") <= {"pandas", "scipy"}


@pytest.mark.slow
@pytest.mark.parametrize("imports", ["tscnn, keras", "keras, tscnn"])
def test_keras_loads_models_and_layers_in_any_state_of_imports(imports, tmp_path):
    path = tmp_path / "model.keras"
    tscnn.build_model(8, 2, 2, filters=2).save(path)
    code = f"{QUICK_START}import {imports}; keras.saving.load_model({str(path)!r}).get_layer('stack')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
