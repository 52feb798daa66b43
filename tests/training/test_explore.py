import nbformat
import pytest

from training.explore import NOTEBOOK, explore

pytestmark = pytest.mark.slow


def test_the_notebook_is_kept_without_results():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.fixture(scope="module")
def explored(tmp_path_factory, sample):
    folder = tmp_path_factory.mktemp("eda")
    with pytest.MonkeyPatch.context() as environ:
        for name in ("DATA", "EDA_PLOTS", "PYTHONPATH"):
            environ.setenv(name, "")  # restored afterwards
        explore(sample, folder, folder / "eda.ipynb")
    return folder


def test_the_notebook_runs_on_a_file_and_shows_its_cleaning_and_its_plots(explored):
    shown = nbformat.writes(nbformat.read(explored / "eda.ipynb", as_version=4))
    assert "price below 100,000" in shown
    assert shown.count("image/png") == 7
    assert len(list(explored.glob("eda_*.png"))) == 7
