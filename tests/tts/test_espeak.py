import shutil

import numpy as np
import pytest

from bengali_feedback.tts.audio import trim_silence
from bengali_feedback.tts.espeak import speak, token_starts
from bengali_feedback.tts.phonemize import Phonemizer, to_espeak

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="eSpeak NG is not installed")


@needs_espeak
def test_a_higher_speed_is_shorter_and_a_higher_pitch_is_higher():
    slow, fast = (speak("[[b|'a|l|o]]", speed=speed)[0] for speed in (120, 240))
    assert len(fast) < 0.8 * len(slow)

    def pitch_of(pitch: int) -> float:
        import librosa

        return np.nanmedian(librosa.yin(speak("[[a|a|a]]", pitch=pitch)[0][2000:6000], fmin=80, fmax=500, sr=16000))

    assert pitch_of(80) > 1.15 * pitch_of(20)


@needs_espeak
def test_the_marks_are_the_melody_of_the_teacher():
    import librosa

    def pitch_of(mark: str) -> np.ndarray:
        audio, _ = trim_silence(
            speak(to_espeak(["t", "u", "m", "i", " ", "j", "a", "b", "e", " ", "b", "a", "r", "i", mark]))[0]
        )
        return librosa.yin(audio, fmin=90, fmax=450, sr=16000, frame_length=1024, hop_length=160)

    statement, question, exclamation = map(pitch_of, ".?!")
    assert np.median(question[-20:-4]) > 1.15 * np.median(statement[-20:-4])  # it ends higher
    assert np.median(exclamation) > 1.05 * np.median(statement)  # it lies higher


@needs_espeak
def test_the_start_of_every_token_is_known():
    tokens = Phonemizer.load()("মনটা ভারী, ঢাকা চলো।")
    audio, phonemes = speak(to_espeak(tokens))
    starts = token_starts(tokens, phonemes)
    assert len(starts) == len(tokens)
    assert (np.diff(starts) >= 0).all() and starts[0] >= 0 and starts[-1] < len(audio) / 16000
    comma = tokens.index(",")
    assert starts[comma + 2] - starts[comma] > 0.15  # a pause


def test_a_blank_starts_with_the_phoneme_behind_it_and_a_mark_with_the_pause():
    phonemes = [("a", 0.0), ("d.", 0.1), ("h", 0.15), ("_", 0.3), ("_", 0.4), ("k", 0.5), ("_", 0.6)]
    assert token_starts(["a", " ", "Dh", ",", " ", "k", "."], phonemes) == [0.0, 0.1, 0.1, 0.3, 0.5, 0.5, 0.6]


@pytest.mark.parametrize("tokens", [["a"], ["a", "k", "t", "."], ["a", ",", "k", "."]])
def test_sequences_that_do_not_belong_together_are_refused(tokens):
    assert token_starts(tokens, [("a", 0.0), ("k", 0.1), ("_", 0.2)]) is None
