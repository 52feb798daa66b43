"""What a bundle is made of, as CycloneDX 1.6: each package with its version, its licences and its locked hashes.

The same bundle gives the same text: it has no time and no serial number, and says by its hash which zip it is of.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

SUFFIX = ".cdx.json"


def of(bundle: Path, lock: Path) -> str:
    """Return the SBOM of a bundle, whose packages were installed from a lock; raises KeyError for one that was not."""
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    zipped = {
        "type": "application",
        "bom-ref": "bundle",
        "name": "belo-horizonte-pricing",
        "version": digest[:12],
        "hashes": [_sha256(digest)],
        "licenses": [{"license": {"id": "MIT"}}],
    }
    hashes = dict(locked(lock))
    components = sorted((_component(each, hashes) for each in _packages(bundle)), key=lambda each: str(each["name"]))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": zipped},
        "components": components,
        "dependencies": [{"ref": "bundle", "dependsOn": [each["purl"] for each in components]}],
    }
    return json.dumps(document, indent=2) + "\n"


def locked(lock: Path) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the name and version of each requirement of a lock, whatever Python it is for, and its hashes (SHA-256)."""
    for requirement in re.split(r"\n(?=\S)", lock.read_text()):
        if found := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", requirement):
            yield (found[1], found[2]), re.findall(r"sha256:([0-9a-f]{64})", requirement)


def _packages(bundle: Path) -> Iterator[Message]:
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/METADATA"):
                yield message_from_bytes(archive.read(name))


def _component(metadata: Message, hashes: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    name, version = re.sub(r"[-_.]+", "-", metadata["Name"]).lower(), metadata["Version"]
    purl = f"pkg:pypi/{name}@{version}"
    # The lock has the hashes of all wheels of a version, and does not say which is whose.
    wheels = {"type": "distribution", "url": purl, "hashes": [_sha256(each) for each in hashes[name, version]]}
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": _licences(metadata),
        "purl": purl,
        "externalReferences": [wheels],
    }


def _licences(metadata: Message) -> list[dict[str, Any]]:
    if expression := metadata["License-Expression"]:
        return [{"expression": expression}]
    classified = [each for each in metadata.get_all("Classifier", []) if each.startswith("License :: ")]
    names = [each.rpartition(" :: ")[2] for each in classified] or [metadata["License"] or "unknown"]
    return [{"license": {"name": name}} for name in names]


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
