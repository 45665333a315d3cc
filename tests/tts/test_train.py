import json
import shutil
import sys

import numpy as np
import pytest

from bengali_feedback import cli
from bengali_feedback.checkpoints import home, sha256
from bengali_feedback.errors import DataError
from bengali_feedback.tts import train as training
from bengali_feedback.tts.audio import mel_spectrogram
from bengali_feedback.tts.dataset import collect_texts, read_speech, render_teacher, split_of
from bengali_feedback.tts.phonemize import Phonemizer
from bengali_feedback.tts.synthesizer import BengaliSpeech

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="eSpeak NG is not installed")


@needs_espeak
def test_too_few_recordings_are_refused(tmp_path):
    render_teacher(["ভালো আছি।"], tmp_path, Phonemizer.load(), quiet=True)
    with pytest.raises(DataError, match="at least 200 are needed"):
        training.train(tmp_path, tmp_path / "out", tmp_path / "run", quiet=True)
    assert not (tmp_path / "out").exists()


@needs_espeak
def test_from_teacher_speech_to_a_voice_with_the_commands_of_the_readme(tmp_path, monkeypatch, capfd, kill_when):
    """The real networks for a handful of steps, killed between the two: both files are restored and make sound."""
    texts = sorted(collect_texts([home() / "corpus" / "feedback.tsv"]), key=len)
    texts = [text for text in texts if split_of(text) == "train"][: training.FEW + 10]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    data, out, run = tmp_path / "teacher", tmp_path / "checkpoints", tmp_path / "run"

    def command(*words) -> list[str]:
        return [*map(str, words)]

    def execute(words: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["bengali-feedback", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0

    execute(command("train", "teacher", "--text", tmp_path / "texts.txt", "--out", data))
    train = command("train", "tts", "--data", data, "--out", out, "--run", run)
    train += command("--tacotron2-steps", 2, "--waveglow-steps", 6)
    kill_when(["-m", "bengali_feedback.cli", *train], (out / "manifest.json").exists)
    assert not (out / "tts" / "waveglow.nemo").exists()

    execute(train)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest) == {"tts/tacotron2.nemo", "tts/waveglow.nemo"}
    assert all(manifest[name]["sha256"] == sha256(out / name) for name in manifest)
    assert [line.split("\t")[0] for line in (run / "tacotron2.log").read_text().splitlines()] == ["2"]
    assert [line.split("\t")[0] for line in (run / "waveglow.log").read_text().splitlines()] == ["1", "6"]

    from bengali_feedback.tts.models import restore_tacotron2, restore_waveglow

    speech = BengaliSpeech(
        restore_tacotron2(out / "tts" / "tacotron2.nemo"), restore_waveglow(out / "tts" / "waveglow.nemo"),
        Phonemizer.load(),
    )  # fmt: skip
    mel = mel_spectrogram(read_speech(data, Phonemizer.load(), "train")[0].audio)
    audio = speech.vocode(mel)
    assert audio.shape == (256 * (mel.shape[1] - 1),) and np.abs(audio).max() > 0
