import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OPEN = (
    "import os\nfrom training.registry.mlflow_registry import Registry\n"
    "registry = Registry.open(os.environ)\nprint(registry.register(registry.start_run('train', {}, {}), {}))"
)


@pytest.mark.slow
def test_commands_that_begin_at_once_in_a_fresh_folder_do_not_break_the_store(tmp_path):
    environment = {"PATH": "", "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "PYTHONPATH": str(ROOT)}
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    found = [each.communicate(timeout=120) for each in begun]
    assert [each.returncode for each in begun] == [0, 0, 0], [error[-500:] for _, error in found]
    assert sorted(out.strip() for out, _ in found) == ["1", "2", "3"]
