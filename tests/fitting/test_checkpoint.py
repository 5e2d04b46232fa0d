import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import QUICK_START, closed_form, make_frame, small_forecaster
from tscnn import Forecaster
from tscnn.common.progress import Stages
from tscnn.training.checkpoint import Checkpoint

ROWS = make_frame(260, 2)


def two_networks(**changes) -> Forecaster:
    """Of which each is trained for some epochs, with dropout."""
    settings = {"lookback": 4, "epochs": 3, "dropout": 0.2, "feature_mode": "auto", "random_state": None, **changes}
    return small_forecaster(**settings)


def assert_same(found: Forecaster, expected: Forecaster):
    ours, theirs = found.pipeline_.arrays(), expected.pipeline_.arrays()
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    assert found.history_.equals(expected.history_)
    assert found.report_.equals(expected.report_)
    assert found.gates_ == expected.gates_
    assert found.predict(coverage=0.5).equals(expected.predict(coverage=0.5))


def copy_each(folder, monkeypatch) -> list:
    """Copy a checkpoint each time that it is written."""

    def write_and_copy(self):
        write(self)
        copies.append(shutil.copy(self.path, folder / f"copy-{len(copies)}"))

    copies, write = [], Checkpoint.write
    monkeypatch.setattr(Checkpoint, "write", write_and_copy)
    return copies


def fit_and_die(path: str, stage: str, n_epochs: int) -> None:
    """Fit, and be killed when a stage begins, or after so many epochs of all networks."""
    begin, write, written = Stages.begin, Checkpoint.write, []

    def kill_at_stage(self, name):
        begin(self, name)
        if name == stage:
            signal.raise_signal(signal.SIGKILL)

    def kill_at_epoch(self):
        write(self)
        written.append(1)
        if len(written) == 1 + n_epochs:
            signal.raise_signal(signal.SIGKILL)

    Stages.begin, Checkpoint.write = kill_at_stage, kill_at_epoch
    two_networks(random_state=0).fit(ROWS, checkpoint=path)


FORKED = """
import ast, json, multiprocessing
import tscnn.layers, tscnn.training.fit  # once for all
from tests.fitting.test_checkpoint import fit_and_die
kills = ast.literal_eval(sys.argv[1])
processes = [multiprocessing.get_context("fork").Process(target=fit_and_die, args=kill) for kill in kills]
for process in processes:
    process.start()
    process.join()
print(json.dumps([process.exitcode for process in processes]))
"""


@pytest.fixture(scope="module")
def whole() -> Forecaster:
    return two_networks(random_state=0).fit(ROWS)


@pytest.mark.slow
def test_a_fit_that_is_killed_goes_on_to_the_same_result_to_the_bit(tmp_path, monkeypatch):
    copies = copy_each(tmp_path, monkeypatch)
    whole = two_networks(linear_model=None).fit(ROWS, checkpoint=tmp_path / "whole.checkpoint")
    monkeypatch.undo()
    assert len(copies) == 1 + 2 * 3
    assert len(whole.history_) == 3
    assert "network" in [term.name for term in whole.pipeline_.terms]
    for copy in (copies[0], copies[2], copies[4], copies[6]):
        assert_same(two_networks(linear_model=None).fit(ROWS, resume=copy), whole)
    assert_same(two_networks(linear_model=None).fit(ROWS, resume=copies[2]), whole)  # it has been kept up


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_anywhere(whole, tmp_path):
    kills = [(str(tmp_path / "a"), "", 5), (str(tmp_path / "b"), "intervals", 9)]
    command = [sys.executable, "-W", "ignore", "-c", QUICK_START + FORKED, repr(kills)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [-signal.SIGKILL] * 2
    for path, *_ in kills:
        assert_same(two_networks(random_state=0).fit(ROWS, resume=path), whole)


@pytest.mark.slow
def test_a_fit_without_validation_rows_goes_on(tmp_path, monkeypatch):
    copies = copy_each(tmp_path, monkeypatch)
    settings = {"validation_fraction": 0, "epochs": 3, "feature_mode": "joint"}
    whole = small_forecaster(**settings).fit(ROWS, checkpoint=tmp_path / "c")
    monkeypatch.undo()
    found = small_forecaster(**settings).fit(ROWS, resume=copies[2])
    assert found.predict().equals(whole.predict())
    assert found.history_.equals(whole.history_)


# Without network: what is checked


def test_a_seed_is_kept(tmp_path):
    closed_form().fit(ROWS, checkpoint=tmp_path / "a")
    before = Checkpoint.read(tmp_path / "a").described
    fitted = closed_form(verbose=False).fit(ROWS, resume=tmp_path / "a", checkpoint=tmp_path / "b")
    assert Checkpoint.read(tmp_path / "b").described == before
    assert fitted.predict().equals(closed_form().fit(ROWS).predict())


def changed_time():
    return ROWS.set_axis(ROWS.index.shift(1))


@pytest.mark.parametrize(
    ("changes", "rows", "message"),
    [
        ({"horizon": 2}, ROWS, "its `horizon` is another one. Received: horizon='2', checkpoint='3'"),
        ({"linear_model__maps": "shared"}, ROWS, "its `linear_model__maps` is another one"),
        ({"random_state": 1}, ROWS, "checkpoint of the same `random_state`"),
        ({}, ROWS + 1, "`X` must be that of the checkpoint, and its values differ"),
        ({}, changed_time(), "its times differ"),
        ({}, ROWS.rename(columns={"a": "A"}), "its columns differ"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, changes, rows, message):
    closed_form(random_state=0).fit(ROWS, checkpoint=tmp_path / "a")
    other = closed_form(random_state=0).set_params(**changes)
    with pytest.raises(ValueError, match=message) as raised:
        other.fit(rows, resume=tmp_path / "a")
    assert len(str(raised.value)) < 400


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        closed_form().fit(ROWS, resume=tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="The folder of `path` must exist"):
        closed_form().fit(ROWS, checkpoint=tmp_path / "none" / "a")
    closed_form().fit(ROWS).save(tmp_path / "model")
    with pytest.raises(ValueError, match="`resume` must name a checkpoint"):
        closed_form().fit(ROWS, resume=tmp_path / "model")
    with pytest.raises(TypeError, match="must be a str or a path"):
        closed_form().fit(ROWS, checkpoint=3)


def test_callbacks_are_refused(tmp_path):
    keras = pytest.importorskip("keras")
    with pytest.raises(ValueError, match="`callbacks` must be None with `checkpoint`"):
        small_forecaster(callbacks=[keras.callbacks.TerminateOnNaN()]).fit(ROWS, checkpoint=tmp_path / "a")
