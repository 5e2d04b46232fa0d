from __future__ import annotations

import warnings

import pytest

from tscnn.cli.errors import in_flags, status_of


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ("`Forecaster(freq='h', missing='mask')` takes", "`--freq h --missing mask` takes"),
        ("`Reconstructor(freq='h')` takes", "`--freq h` takes"),
        ("`series_id=` names; `X[1]` not", "`--series-id` names; `X[1]` not"),
        ("fit with `horizon=9`, `targets=['a', 'b']`", "fit with `--horizon 9`, `--targets a b`"),
        ("`Forecaster(outliers=None, network=None)`", "`--set outliers=None --no-network`"),
        ("`X.drop(columns=['a', 'b'])` does", "`--drop a b` does"),
        ("`future_covariates` and `alpha`", "`--future` and `alpha`"),
        ("`Forecaster(..).fit(X)`", "`Forecaster(..).fit(X)`"),
    ],
)
def test_arguments_are_flags(said: str, flags: str) -> None:
    assert in_flags(said) == flags


def fail(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("`lookback` must\nbe"), 1, "tscnn fit: error: `--lookback` must be\n"),
        (FileNotFoundError(2, "No such file", "a.csv"), 1, "tscnn fit: error: No such file: a.csv\n"),
        (OSError("full"), 1, "tscnn fit: error: full\n"),
        (ImportError("Pictures need matplotlib"), 1, "tscnn fit: error: Pictures need matplotlib\n"),
        (KeyboardInterrupt(), 130, "tscnn fit: interrupted\n"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], error: Exception, status: int, said: str) -> None:
    assert status_of(lambda: fail(error), "tscnn fit") == status
    assert capsys.readouterr() == ("", said)


def test_warnings_are_notes(capsys: pytest.CaptureFixture[str]) -> None:
    def warn() -> int:
        warnings.warn("see `lookback`", stacklevel=1)
        return 0

    assert status_of(warn, "tscnn fit") == 0
    assert capsys.readouterr().err == "tscnn fit: note: see `--lookback`\n"
