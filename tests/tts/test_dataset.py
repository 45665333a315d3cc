import shutil

import numpy as np
import pytest
import soundfile

from bengali_feedback.errors import DataError, TextError
from bengali_feedback.tts.audio import SAMPLE_RATE
from bengali_feedback.tts.dataset import (
    collect_texts,
    read_speech,
    render_teacher,
    split_of,
    tokenize,
    write_wav,
)
from bengali_feedback.tts.phonemize import SYMBOLS, Phonemizer

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="eSpeak NG is not installed")


@pytest.fixture(scope="module")
def phonemizer() -> Phonemizer:
    return Phonemizer.load()


def test_tokens_are_symbol_indices_and_end_with_a_mark(phonemizer):
    tokens = [SYMBOLS[index] for index in tokenize("ভালো আছি", phonemizer)]
    assert "".join(tokens) == "bhalo achi."


def test_numbers_are_spoken(phonemizer):
    assert list(tokenize("৫টা", phonemizer)) == list(tokenize("পাঁচটা", phonemizer))


@pytest.mark.parametrize("text", ["", "   ", "।", "?!,", "😀"])
def test_a_text_without_a_word_is_refused(phonemizer, text):
    with pytest.raises(TextError):
        tokenize(text, phonemizer)


def test_collect_texts_takes_the_right_column_once_and_leaves_digits_out(tmp_path):
    table, lines = tmp_path / "a.tsv", tmp_path / "b.txt"
    table.write_text("bn\ten\nআমি ভাত খাই।\tI eat rice.\nআমার ২টি বই।\tTwo books.\n", encoding="utf-8")
    lines.write_text("আমি ভাত খাই।\nHello সবাই কেমন আছে\nতুমি কেমন আছ?\n", encoding="utf-8")
    assert collect_texts([table, lines]) == ["আমি ভাত খাই।", "তুমি কেমন আছ?"]


def test_collect_texts_names_a_table_without_text(tmp_path):
    table = tmp_path / "a.tsv"
    table.write_text("id\tword\n1\tআম\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column named text or bn"):
        collect_texts([table])


@needs_espeak
def test_teacher_speech_is_deterministic_resumable_and_read_back(tmp_path, phonemizer):
    texts = ["আপনার হাসিটা খুব সুন্দর।", "একটু বসুন, জল খান।"]
    assert render_teacher(texts, tmp_path, phonemizer, quiet=True) == 2
    first = {path.name: path.read_bytes() for path in (tmp_path / "wavs").iterdir()}
    next((tmp_path / "wavs").iterdir()).unlink()  # as if it had been interrupted
    render_teacher(texts, tmp_path, phonemizer, quiet=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "wavs").iterdir()} == first

    utterances = [u for split in ("train", "val", "test") for u in read_speech(tmp_path, phonemizer, split)]
    assert sorted(u.text for u in utterances) == sorted(texts)
    for utterance in utterances:
        assert 0.8 * SAMPLE_RATE < len(utterance.audio) < 4 * SAMPLE_RATE
        assert 0.65 < np.abs(utterance.audio).max() < 0.71
        assert len(utterance.starts) == len(utterance.tokens)
        assert 0 <= utterance.starts[0] < 0.2 and utterance.starts[-1] < len(utterance.audio) / SAMPLE_RATE
        assert (np.diff(utterance.starts) >= 0).all()


def test_recordings_of_another_rate_are_resampled(tmp_path, phonemizer):
    (tmp_path / "wavs").mkdir()
    soundfile.write(tmp_path / "wavs" / "a.wav", np.zeros((44100, 2)), 44100)
    (tmp_path / "metadata.csv").write_text("a|ভালো আছি।\n", encoding="utf-8")
    assert len(read_speech(tmp_path, phonemizer, split_of("ভালো আছি।"))[0].audio) == SAMPLE_RATE


@pytest.mark.parametrize(
    ("metadata", "message"),
    [("a|ভালো আছি।\nb|আমি আছি।\n", "line 1"), ("nonsense\n", "line 1: expected"), (None, "LJSpeech")],
)
def test_bad_recordings_are_named_by_line(tmp_path, phonemizer, metadata, message):
    if metadata is not None:
        (tmp_path / "metadata.csv").write_text(metadata, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_speech(tmp_path, phonemizer, split_of("ভালো আছি।"))


def test_splits_are_fixed_by_the_text():
    counts = [split_of(f"বাক্য {number}") for number in range(4000)]
    assert counts == [split_of(f"বাক্য {number}") for number in range(4000)]
    assert 0.015 < counts.count("test") / 4000 < 0.035
    assert 0.005 < counts.count("val") / 4000 < 0.02


def test_write_wav_is_16_bit_and_leaves_nothing_half_written(tmp_path):
    write_wav(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 1600, dtype=np.float32))
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.samplerate, info.subtype, info.frames) == (SAMPLE_RATE, "PCM_16", 1600)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
