from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """The interpreter of these tests, without the user's own kernels, profile and start-up files.

    One for all notebooks, each of which begins without names: to import a framework anew takes longer than most.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PREFER_ENV_PATH", "1")
        environment.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("profile")))
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel()
        yield manager
        manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_runs(path, kernel, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"%reset -f\n%cd -q {tmp_path}"))
    client = NotebookClient(notebook, km=kernel, timeout=600)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
