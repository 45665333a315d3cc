"""Where the trained networks lie, and proof that they are the ones that were trained.

``checkpoints/manifest.json`` maps each file (path relative to ``checkpoints/``) to its SHA-256 and size.
:func:`checkpoint` verifies a file against it before anything reads the file; :func:`register` adds a
newly trained file.
"""

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

from .errors import CheckpointError
from .files import write_text

PACKAGE = Path(__file__).resolve().parent
ENVIRONMENT_VARIABLE = "BENGALI_FEEDBACK_HOME"  # a folder that holds checkpoints/ and corpus/


def home() -> Path:
    """Folder that holds ``checkpoints/`` and ``corpus/``.

    The environment variable ``BENGALI_FEEDBACK_HOME`` if set; else ``share/`` inside an installed wheel;
    else the root of the source tree.
    """
    if os.environ.get(ENVIRONMENT_VARIABLE):
        return Path(os.environ[ENVIRONMENT_VARIABLE])
    packaged = PACKAGE / "share"
    return packaged if packaged.is_dir() else PACKAGE.parent


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checkpoint(name: str) -> Path:
    """Path of a shipped checkpoint, verified against the manifest.

    Parameters
    ----------
    name
        Path relative to ``checkpoints/``, for example ``fer/custom_cnn.keras``.

    Raises
    ------
    CheckpointError
        When the file or the manifest is missing, or the file's size or SHA-256 differs.
    """
    root = home() / "checkpoints"
    path = root / name
    entry = _manifest(root).get(name)
    if entry is None or not path.is_file():
        raise CheckpointError(
            f"checkpoint {path} is missing: restore it with `git checkout -- checkpoints`, or train it "
            f"with `bengali-feedback train {name.split('/')[0]}`."
        )
    status = path.stat()
    _verify(path, status.st_mtime_ns, status.st_size, entry["sha256"], entry["bytes"])
    return path


def register(root: Path, name: str) -> None:
    """Record ``root / name`` in ``root / manifest.json``, replacing an older entry atomically."""
    path = root / name
    manifest = _manifest(root) if (root / "manifest.json").exists() else {}
    manifest[name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    write_text(root / "manifest.json", json.dumps(dict(sorted(manifest.items())), indent=2) + "\n")


def _manifest(root: Path) -> dict[str, dict]:
    path = root / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not all({"sha256", "bytes"} <= entry.keys() for entry in manifest.values()):
            raise ValueError("an entry lacks its hash or size")
        return manifest
    except FileNotFoundError:
        raise CheckpointError(
            f"no manifest.json in {root}: restore it with `git checkout -- checkpoints`, "
            f"or set {ENVIRONMENT_VARIABLE} to the folder that holds checkpoints/."
        ) from None
    except (ValueError, AttributeError):  # not UTF-8, not JSON, or JSON of another shape
        raise CheckpointError(
            f"{path} is not a valid manifest: restore it with `git checkout -- checkpoints`."
        ) from None


@lru_cache(maxsize=64)  # the hash of an unchanged file is computed once a process
def _verify(path: Path, modified_ns: int, size: int, expected_sha256: str, expected_size: int) -> None:
    if size != expected_size:
        raise CheckpointError(
            f"checkpoint {path} has {size} bytes instead of {expected_size}: it is truncated or altered; "
            "restore it with `git checkout -- checkpoints`."
        )
    if sha256(path) != expected_sha256:
        raise CheckpointError(
            f"checkpoint {path} does not match its SHA-256 in manifest.json: it was altered; "
            "restore it with `git checkout -- checkpoints`, or train it again."
        )
