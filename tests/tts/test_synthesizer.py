import numpy as np
import pytest

from bengali_feedback.checkpoints import checkpoint
from bengali_feedback.errors import CheckpointError, TextError
from bengali_feedback.text import normalize_bengali
from bengali_feedback.tts.audio import mel_spectrogram
from bengali_feedback.tts.dataset import tokenize
from bengali_feedback.tts.phonemize import Phonemizer
from bengali_feedback.tts.synthesizer import BengaliSpeech, attention_fault, split_text

SENTENCE = "আপনার হাসিটা দেখে খুব ভালো লাগল।"


@pytest.fixture(scope="module")
def speech(pipeline) -> BengaliSpeech:
    return pipeline.speech


def diagonal(steps: int, tokens: int) -> np.ndarray:
    alignment = np.zeros((steps, tokens), np.float32)
    alignment[np.arange(steps), np.arange(steps) * tokens // steps] = 1.0
    return alignment


def test_a_diagonal_alignment_is_sound():
    assert attention_fault(diagonal(60, 30)) is None


@pytest.mark.parametrize(
    ("fault", "alignment"),
    [
        ("stopped early", diagonal(60, 30)[:40]),
        ("did not stop", np.repeat(diagonal(60, 30), 4, axis=0)),
        ("skipped", np.concatenate([diagonal(60, 30)[:20], diagonal(60, 30)[40:]])),
        ("repeated", np.concatenate([diagonal(60, 30)[:40], diagonal(60, 30)[10:]])),
    ],
)
def test_attention_faults_are_named(fault, alignment):
    assert attention_fault(alignment) == fault


def test_text_is_split_at_sentences_and_long_sentences_at_commas():
    assert split_text("ভালো আছি। তুমি কেমন আছ? বাহ!") == ["ভালো আছি।", "তুমি কেমন আছ?", "বাহ!"]
    long = "এক দুই তিন চার পাঁচ ছয় সাত আট নয়, দশ এগারো বারো তেরো চৌদ্দ পনেরো ষোলো সতেরো।"
    long = normalize_bengali(long)
    assert split_text(long) == [long.split(", ")[0] + ",", long.split(", ")[1]]


def test_text_is_split_after_it_was_put_into_words():
    written = (
        "https://www.google.com/search?q=1 দেখুন।\nকাল সকাল ৮:৩০-এ ৳১,২৩,৪৫৬ নিয়ে আমরা সবাই মিলে ঢাকা যাব বলে তারা সবাই আজ খুব খুশি"
    )
    parts = split_text(written)
    assert parts[0] == "গুগল ডট কম দেখুন।"
    assert [len(part.split()) for part in parts[1:]] == [11, 12]
    assert parts[1].startswith(normalize_bengali("কাল সকাল সাড়ে আটটায় এক লাখ তেইশ হাজার"))


def test_a_long_sentence_without_commas_is_split_between_words():
    parts = split_text(" ".join(["শব্দ"] * 40) + "।")
    assert len(parts) == 3 and max(len(part.split()) for part in parts) <= 16
    assert " ".join(parts) == " ".join(["শব্দ"] * 40) + "।"


@pytest.mark.parametrize("text", ["", " \n ", "।?!", "😀 🎉"])
def test_nothing_to_say_is_an_error(speech, text):
    with pytest.raises(TextError):
        speech.synthesize(text)


def test_too_long_a_text_is_an_error(speech):
    with pytest.raises(TextError, match="20000"):
        speech.synthesize("ক " * 10001)


def test_a_sentence_is_spoken_at_a_natural_pace_without_clipping(speech):
    spoken = speech.synthesize(SENTENCE)
    seconds = len(spoken.audio) / spoken.sample_rate
    assert spoken.sample_rate == 16000 and spoken.audio.dtype == np.float32
    assert 1.3 < seconds < 4.5  # six words
    assert 0.05 < np.abs(spoken.audio).max() <= 0.9 + 1e-6
    assert 0.01 < np.sqrt((spoken.audio**2).mean()) < 0.4
    assert abs(spoken.audio.mean()) < 1e-3
    assert set(spoken.timings) == {"tacotron2", "waveglow"}


def test_attention_walks_through_the_sentence(speech):
    assert [attention_fault(alignment) for alignment in speech.synthesize(SENTENCE).alignments] == [None]


def test_the_same_seed_gives_the_same_sound_and_another_seed_another(speech):
    first, again, other = (speech.synthesize(SENTENCE, seed=seed).audio for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or np.abs(first - other).max() > 1e-3


def test_two_sentences_are_two_parts_with_a_pause_between(speech):
    both = speech.synthesize("ভালো আছি। তুমি কেমন আছ?")
    assert len(both.alignments) == 2
    quiet = np.abs(both.audio) < 1e-4
    assert np.convolve(quiet, np.ones(3900), "valid").max() >= 3900  # a quarter of a second


def pitch_at_the_end(audio: np.ndarray) -> float:
    """Of the last eighth of a second that is voiced, as a share of the sentence's median."""
    import librosa

    pitch = librosa.yin(audio, fmin=90, fmax=450, sr=16000, frame_length=1024, hop_length=160)
    loudness = librosa.feature.rms(y=audio, frame_length=1024, hop_length=160)[0][: len(pitch)]
    voiced = pitch[(loudness > 0.15 * loudness.max()) & (pitch > 120) & (pitch < 420)]
    return np.median(voiced[-12:]) / np.median(voiced)


def test_a_question_ends_higher_than_a_statement(speech):
    sentences = ("তুমি আজ বাড়ি যাবে", "আমরা এখন ঘুরতে যাব", "মা রান্না করছে", "সে কাল আসবে")
    statement, question = (
        np.mean([pitch_at_the_end(speech.synthesize(sentence + mark).audio) for sentence in sentences]) for mark in "।?"
    )
    assert question > 1.05 * statement


def test_commas_are_pauses(speech):
    words = "মা", "বাবা", "ভাই", "বোন", "সবাই এল।"
    run_on, listed = (len(speech.synthesize(joint.join(words)).audio) / 16000 for joint in (" ", ", "))
    assert listed - run_on > 4 * 0.15  # seconds


def test_the_vocoder_gives_back_the_mel_it_is_given(speech):
    mel, _ = speech.mel(tokenize(SENTENCE, Phonemizer.load()))
    heard = mel_spectrogram(speech.vocode(mel))
    frames = min(mel.shape[1], heard.shape[1])
    assert np.corrcoef(mel[:, :frames].ravel(), heard[:, :frames].ravel())[0, 1] > 0.85


def test_a_users_lexicon_is_heard(speech, tmp_path):
    (tmp_path / "mine.tsv").write_text("মন\tdin\n", encoding="utf-8")
    changed = BengaliSpeech.load(lexicon=tmp_path / "mine.tsv").synthesize("ভালো মন।")
    np.testing.assert_array_equal(changed.audio, speech.synthesize("ভালো দিন।").audio)


def test_a_missing_or_damaged_voice_is_a_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="train tts"):
        BengaliSpeech.load(tmp_path)
    (tmp_path / "g2p.crfsuite").write_bytes(checkpoint("tts/g2p.crfsuite").read_bytes())
    for name in ("tacotron2.nemo", "waveglow.nemo"):
        (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(CheckpointError, match="cannot read"):
        BengaliSpeech.load(tmp_path)
