"""Checkpoints are verified against the manifest before anything reads them."""

import json
import os
from pathlib import Path

import pytest

from bengali_feedback import checkpoints
from bengali_feedback.checkpoints import checkpoint, home, register, sha256
from bengali_feedback.errors import CheckpointError

NAME = "fer/network.keras"
CONTENT = b"weights of a network"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A checkpoints folder of our own, with one registered file."""
    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    root = tmp_path / "checkpoints"
    (root / "fer").mkdir(parents=True)
    (root / NAME).write_bytes(CONTENT)
    register(root, NAME)
    return root


def test_a_good_file_gives_its_path(root):
    assert checkpoint(NAME) == root / NAME
    assert checkpoint(NAME) == root / NAME  # and again, from the remembered hash


def test_a_file_that_is_gone_names_the_two_ways_to_get_it_back(root):
    (root / NAME).unlink()
    with pytest.raises(CheckpointError, match=f"{NAME} is missing.*git checkout.*bengali-feedback train fer"):
        checkpoint(NAME)


def test_a_file_that_the_manifest_does_not_know_is_not_trusted(root):
    (root / "fer" / "other.keras").write_bytes(CONTENT)
    with pytest.raises(CheckpointError, match="other.keras is missing"):
        checkpoint("fer/other.keras")


def test_a_truncated_file_tells_both_sizes(root):
    (root / NAME).write_bytes(CONTENT[:7])
    with pytest.raises(CheckpointError, match="has 7 bytes instead of 20: it is truncated or altered"):
        checkpoint(NAME)


def test_an_altered_file_of_the_same_size_is_refused(root):
    (root / NAME).write_bytes(CONTENT[:-1] + b"X")
    with pytest.raises(CheckpointError, match="does not match its SHA-256.*it was altered"):
        checkpoint(NAME)


def test_a_file_altered_after_it_was_verified_is_refused(root):
    checkpoint(NAME)
    (root / NAME).write_bytes(CONTENT[:-1] + b"X")
    os.utime(root / NAME, ns=(0, 1))  # clocks of some file systems tick too slowly to tell two quick writes apart
    with pytest.raises(CheckpointError, match="does not match its SHA-256"):
        checkpoint(NAME)


def test_a_refused_file_is_taken_again_once_it_is_restored(root):
    (root / NAME).write_bytes(b"")
    with pytest.raises(CheckpointError):
        checkpoint(NAME)
    (root / NAME).write_bytes(CONTENT)
    assert checkpoint(NAME) == root / NAME


def test_without_a_manifest_the_error_names_the_folder_and_the_variable(root):
    (root / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"no manifest\.json in .*BENGALI_FEEDBACK_HOME") as caught:
        checkpoint(NAME)
    assert str(root) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"fer/network.keras": {"sha',
        b"\xff\xfe",
        b"[]",
        b'{"fer/network.keras": "abc"}',
        b'{"fer/network.keras": {}}',
    ],
    ids=["empty", "truncated", "not UTF-8", "a list", "entry is text", "entry is empty"],
)
def test_a_damaged_manifest_is_one_clear_error(root, content):
    (root / "manifest.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"manifest\.json is not a valid manifest: restore it"):
        checkpoint(NAME)


def test_the_manifest_holds_hash_and_size(root):
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == {NAME: {"sha256": sha256(root / NAME), "bytes": 20}}


def test_sha256_of_known_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_register_keeps_the_others_and_sorts(root):
    for name in ("tts/voice.nemo", "fer/a.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(name.encode())
        register(root, name)
    assert list(json.loads((root / "manifest.json").read_text())) == ["fer/a.json", NAME, "tts/voice.nemo"]
    assert [checkpoint(name) for name in ("fer/a.json", NAME, "tts/voice.nemo")]


def test_register_replaces_an_older_entry(root):
    (root / NAME).write_bytes(b"trained again")
    register(root, NAME)
    assert checkpoint(NAME).read_bytes() == b"trained again"


def test_register_is_atomic(root, monkeypatch):
    before = (root / "manifest.json").read_bytes()

    def killed(self, target):
        raise KeyboardInterrupt

    (root / NAME).write_bytes(b"trained again")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        register(root, NAME)
    assert (root / "manifest.json").read_bytes() == before
    register(root, NAME)
    assert sorted(path.name for path in root.iterdir()) == ["fer", "manifest.json"]


def test_home_is_the_environment_variable_if_set(monkeypatch, tmp_path):
    monkeypatch.setenv("BENGALI_FEEDBACK_HOME", str(tmp_path))
    assert home() == tmp_path


def test_home_is_the_share_of_an_installed_wheel_else_the_source_tree(monkeypatch, tmp_path):
    monkeypatch.delenv("BENGALI_FEEDBACK_HOME", raising=False)
    monkeypatch.setattr(checkpoints, "PACKAGE", tmp_path / "bengali_feedback")
    assert home() == tmp_path
    (tmp_path / "bengali_feedback" / "share").mkdir(parents=True)
    assert home() == tmp_path / "bengali_feedback" / "share"


def test_every_shipped_checkpoint_is_the_one_in_the_manifest(monkeypatch):
    monkeypatch.delenv("BENGALI_FEEDBACK_HOME", raising=False)
    root = home() / "checkpoints"
    names = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    assert [checkpoint(name) for name in names] == [root / name for name in names]
