import os
import signal
import threading
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import Forecaster, fit_many
from tscnn.fitting import many


@pytest.fixture(scope="module")
def shops() -> pd.DataFrame:
    return pd.concat([make_frame(60 + i, 1, seed=i).assign(shop=i % 3) for i in range(3)])


def small(**changes) -> Forecaster:
    return closed_form(lookback=4, outliers=None, random_state=0, **changes)


def assert_same(found, expected):
    assert list(found) == list(expected)
    for key, fitted in found.items():
        pd.testing.assert_frame_equal(fitted.predict(), expected[key].predict(), check_exact=True)


def test_each_equals_a_fit_of_its_own(shops):
    found = fit_many(small(verbose=0), shops.groupby("shop"))
    own = {shop: small().fit(shops[shops["shop"] == shop].drop(columns="shop")) for shop in range(3)}
    assert_same(found, own)
    assert_same(fit_many(small(), dict(iter(shops.groupby("shop")["a"]))), own)
    assert found[1].get_params() == small(verbose=0).get_params()
    assert_same(fit_many(small(), shops.groupby("shop")["a"]), own)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_any_backend_gives_the_same(shops, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = fit_many(small(), shops.groupby("shop"))
    assert_same(found, fit_many(small(), shops.groupby("shop")))


def test_a_fit_that_fails(shops):
    frames = {"short": shops.iloc[:3, :1], "fine": shops.iloc[:60, :1], "text": "rows"}
    with pytest.raises(ValueError, match=r"^Series 'short': `X` must have at least lookback"):
        fit_many(small(), frames)
    with pytest.warns(UserWarning, match="2 of 3 fits failed") as warned:
        found = fit_many(small(), frames, errors="collect")
    assert len(str(warned[0].message)) < 400
    assert list(map(type, found.values())) == [ValueError, Forecaster, type(found["text"])]
    assert isinstance(found["text"], FileNotFoundError)


def test_a_warning_tells_the_key(monkeypatch):
    monkeypatch.setattr(Forecaster, "fit", lambda *_: warnings.warn("Odd rows.", stacklevel=2))
    with pytest.warns(UserWarning, match=r"^Odd rows\. Of 'b'\.$") as warned:
        fit_many(small(), {"b": None})
    assert warned[0].filename == __file__


def test_what_is_done_is_kept_in_a_folder(shops, tmp_path, monkeypatch):
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit_one(*arguments)

    fit_one = many._fit_one
    monkeypatch.setattr(many, "_fit_one", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit_many(small(), shops.groupby("shop"), folder=tmp_path / "new")
    assert stopped.value.__notes__ == ["2 of 3 fits were done; they are kept: the same call goes on from there."]
    found = fit_many(small(), shops.groupby("shop"), folder=tmp_path / "new")
    assert [key for _, key, *_ in calls[3:]] == [2]
    assert_same(found, fit_many(small(), shops.groupby("shop")))
    changed = shops.copy()
    changed.iloc[0, 0] += 1
    calls.clear()
    fit_many(small(), changed.groupby("shop"), folder=tmp_path / "new")
    fit_many(small(), changed.groupby("shop"), folder=tmp_path / "new")
    fit_many(small(horizon=2), {2: changed[changed["shop"] == 2]}, folder=tmp_path / "new")
    assert [key for _, key, *_ in calls] == [0, 2]


def test_progress_is_shown_to_who_watches(shops, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    fit_many(small(verbose=1), shops.groupby("shop"))
    assert capsys.readouterr().out.splitlines() == [f"fit_many: fit {i} of 3" for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("forecaster", "X", "arguments", "error", "message"),
    [
        (3, {}, {}, TypeError, "`forecaster` must be a `tscnn.Forecaster`"),
        (small(), [1, 2], {}, TypeError, "`X` must be a dict of frames, or a groupby"),
        (small(horizon=0), {}, {}, ValueError, "`horizon` must be"),
        (small(), {}, {"n_jobs": 0}, ValueError, "`n_jobs` must be"),
        (small(), {}, {"errors": "ignore"}, ValueError, "`errors` must be one of 'raise', 'collect'"),
        (small(), {}, {"folder": __file__}, NotADirectoryError, "`folder` must name a folder"),
    ],
)
def test_errors_name_what_breaks_a_rule(forecaster, X, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        fit_many(forecaster, X, **arguments)
    assert len(str(raised.value)) < 400


# Clusters


def kill_when(folder, n_files, find_process):
    """Kill a worker, in a thread, once so many fits are kept."""

    def watch():
        while len(list(folder.glob("*.tscnn"))) < n_files:
            time.sleep(0.02)
        os.kill(find_process(), signal.SIGKILL)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def fit_while_a_worker_dies(folder, find_process, n_jobs, n_fits=200):
    random = np.random.default_rng(0)
    frames = {i: pd.DataFrame({"a": random.normal(size=40).cumsum()}) for i in range(n_fits)}
    killer = kill_when(folder, n_fits // 4, find_process)
    fitter = small(validation_fraction=0)
    found = fit_many(fitter, frames, n_jobs=n_jobs, folder=folder)
    killer.join(1)
    assert not killer.is_alive()
    some = {i: frames[i] for i in range(0, n_fits, 20)}
    assert list(found) == list(range(n_fits))
    assert_same({i: found[i] for i in some}, fit_many(fitter, some))


@pytest.mark.slow
def test_processes_of_which_one_is_killed_lose_nothing(tmp_path):
    from joblib.externals.loky import reusable_executor

    fit_while_a_worker_dies(tmp_path, lambda: next(iter(reusable_executor._executor._processes)), 2, n_fits=60)


@pytest.mark.slow
def test_a_cluster_of_dask_of_which_a_worker_is_killed_loses_nothing(tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        pids = list(client.run(os.getpid).values())
        with joblib.parallel_config(backend="dask"):
            fit_while_a_worker_dies(tmp_path, lambda: pids[0], None, n_fits=60)
            rows = make_frame(120, 1)
            how = {"start": rows.index[90], "stride": 8, "refit": True}
            found = small().backtest(rows, **how)
        pd.testing.assert_frame_equal(found, small().backtest(rows, **how), check_exact=True)


@pytest.mark.slow
def test_a_cluster_of_ray_of_which_a_worker_is_killed_loses_nothing(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray", reason="ray is not installed")
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    from ray.util.joblib import register_ray

    def find_actor():
        named = [each.info for each in psutil.process_iter(["pid", "cmdline"])]
        return next(each["pid"] for each in named if "PoolActor" in " ".join(each["cmdline"] or ()))

    monkeypatch.setenv("RAY_worker_niceness", "0")  # or it waits for all else that a machine does
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        with joblib.parallel_config(backend="ray"):
            fit_while_a_worker_dies(tmp_path, find_actor, 2)
            rows = make_frame(120, 1)
            how = {"start": rows.index[60], "stride": 8, "refit": True}
            found = small().backtest(rows, n_jobs=2, **how)
        pd.testing.assert_frame_equal(found, small().backtest(rows, **how), check_exact=True)
    finally:
        ray.shutdown()
