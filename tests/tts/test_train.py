import shutil

import pytest

from bengali_feedback.errors import DataError
from bengali_feedback.tts import train as training
from bengali_feedback.tts.dataset import render_teacher
from bengali_feedback.tts.phonemize import Phonemizer

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="eSpeak NG is not installed")


@needs_espeak
def test_too_few_recordings_are_refused(tmp_path):
    render_teacher(["ভালো আছি।"], tmp_path, Phonemizer.load(), quiet=True)
    with pytest.raises(DataError, match="at least 200 are needed"):
        training.train(tmp_path, tmp_path / "out", tmp_path / "run", quiet=True)
    assert not (tmp_path / "out").exists()
