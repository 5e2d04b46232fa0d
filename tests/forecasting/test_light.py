"""A saved model forecasts where there is neither Keras nor TensorFlow."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

import tscnn

LIGHT = ("numpy", "pandas", "scikit-learn", "scipy")  # and what these require


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return a folder that holds these packages, what they require, and this one."""
    folder, wanted, found = tmp_path_factory.mktemp("light"), list(LIGHT), set()
    (folder / "tscnn").symlink_to(Path(tscnn.__file__).parent)
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        needed = [each for each in distribution(name).requires or () if "extra ==" not in each]
        wanted += [re.split(r"[^\w.-]", each)[0] for each in needed if "sys_platform" not in each or os.name == "nt"]
        for file in distribution(name).files or ():
            top = Path(file.parts[0])
            if ".." not in file.parts and not (folder / top).exists():
                (folder / top).symlink_to(distribution(name).locate_file(top))
    assert not (folder / "keras").exists()
    return folder


def run_in(environment, code):
    """Run code in a fresh interpreter that finds nothing but the folder's packages."""
    variables = {**os.environ, "PYTHONPATH": str(environment)}
    return subprocess.run(
        [sys.executable, "-S", "-W", "ignore", "-c", code], env=variables, capture_output=True, text=True
    )


FORECAST = """
import pickle
from importlib.util import find_spec
import pandas as pd
from tscnn import Forecaster

assert find_spec("keras") is find_spec("tensorflow") is None
frame = pd.read_csv(ROWS, index_col="time", parse_dates=["time"]).asfreq("h")
with open(OUT, "wb") as file:
    pickle.dump(all_forecasts(Forecaster.load(MODEL), frame), file)
"""


def all_forecasts(forecaster, frame):
    stream = forecaster.stream(frame.iloc[:-1])
    found = [
        forecaster.predict(frame),
        forecaster.predict(frame, coverage=0.9),
        forecaster.backtest(frame, start=frame.index[-20], coverage=0.9),
        forecaster.explain(frame).terms,
        stream.update(frame.iloc[-1]),
    ]
    return [each.select_dtypes("number").to_numpy() for each in found]


@pytest.mark.slow
def test_light_environment_forecasts_what_a_whole_one_does(environment, fitted, frame, tmp_path):
    fitted.save(tmp_path / "model.tscnn")
    frame.to_csv(tmp_path / "rows.csv")
    names = {"ROWS": tmp_path / "rows.csv", "MODEL": tmp_path / "model.tscnn", "OUT": tmp_path / "out"}
    said = "".join(f"{name} = {str(path)!r}\n" for name, path in names.items())
    done = run_in(environment, said + inspect.getsource(all_forecasts) + FORECAST)
    assert done.returncode == 0, done.stderr
    for found, ours in zip(pickle.loads((tmp_path / "out").read_bytes()), all_forecasts(fitted, frame), strict=True):
        np.testing.assert_allclose(found, ours, rtol=1e-6)


@pytest.mark.slow
def test_light_environment_fits_without_a_network_and_says_what_a_network_needs(environment):
    fit = (
        "from tscnn import Forecaster; Forecaster(4, verbose=0{}).fit([[i % 3 + i % 7] for i in range(400)]).predict()"
    )
    assert run_in(environment, fit.format(", network=None")).stderr == ""
    assert 'pip install "tensorflow>=2.20"' in run_in(environment, fit.format("")).stderr.splitlines()[-1]
