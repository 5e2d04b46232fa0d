"""A file that benchmarks read."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def csv(tmp_path) -> str:
    """A small file of two columns."""
    times = pd.date_range("2026-01-01", periods=400, freq="h")
    waves = np.sin(np.arange(400)[:, None] * 2 * np.pi / 24 + np.arange(2))
    noise = 0.1 * np.random.default_rng(0).standard_normal(waves.shape)
    path = tmp_path / "waves.csv"
    pd.DataFrame(waves + noise, index=times, columns=["a", "b"]).to_csv(path)
    return str(path)
