"""The wheel: every room below one package, `belo_pricing`, and imports written accordingly.

In the repository the rooms stand at the top level, where a reader finds them; installed, `training` or `monitoring`
would be the names of many another package. So a wheel holds copies whose imports are rewritten, line by line: the
repository has absolute imports only (a test says so), which leaves nothing to guess.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "belo_pricing"
ROOMS = (
    "belo",
    "lambdas",
    "listing_files",
    "monitoring",
    "pricing",
    "stream_consumer",
    "stream_producer",
    "terminal",
    "training",
)
LEFT_OUT = (
    *("belo/demo", "belo/local_cloud", "belo/bundle.py", "belo/terraform.py", "belo/openapi", "belo/sample_service.py"),
    *("belo/sbom.py", "belo/audit.py", "lambdas/Dockerfile", "training/Dockerfile"),
)
DATA = (".py", ".yaml", ".csv", ".ipynb", ".typed", ".html", ".css")

_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+)({'|'.join(ROOMS)})(?=[.\s])", re.MULTILINE)


def rewritten(source: str) -> str:
    """Return a module's text with imports from below `PACKAGE`."""
    return _IMPORT.sub(rf"\1{PACKAGE}.\2", source)


def copy_rooms(root: Path, target: Path) -> None:
    """Write the rooms, the markets and the package itself as a wheel has them."""
    for room in (PACKAGE, *ROOMS, "markets"):
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root)
            if not path.is_file() or path.suffix not in DATA or str(name).startswith(LEFT_OUT):
                continue
            place = target / (name if room == PACKAGE else Path(PACKAGE, name))
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".py":
                place.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
            else:
                place.write_bytes(path.read_bytes())


class OnePackage(BuildHookInterface[Any]):
    """Fills a wheel with rewritten copies; an editable install goes by the repository itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare the wheel's files."""
        if version == "editable":
            return
        self._scratch = tempfile.TemporaryDirectory()
        copy_rooms(Path(self.root), Path(self._scratch.name))
        build_data["force_include"][str(Path(self._scratch.name, PACKAGE))] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was prepared."""
        if version != "editable":
            self._scratch.cleanup()
