"""Speech to learn from: rendering teacher speech with eSpeak NG, and reading recordings in LJSpeech layout.

LJSpeech layout (Ito & Johnson 2017): ``DIR/metadata.csv`` with one ``id|text`` a line and ``DIR/wavs/ID.wav``.
"""

import csv
import multiprocessing
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import DataError, TextError
from ..files import replacing, write_text
from ..text import normalize_bengali, read_texts
from .audio import SAMPLE_RATE, trim_silence
from .espeak import speak, token_starts
from .phonemize import SYMBOLS, Phonemizer, to_espeak
from .verbalize import verbalize

PEAK = 0.7  # every utterance is scaled to this peak, so that loudness does not depend on its loudest phoneme
TEST_SHARE, VALIDATION_SHARE = 40, 80  # every 40th utterance is test, every 80th validation, by its text's hash

_SPEAKABLE = re.compile(r"[\u0980-\u09e3\u200d ,।?!]+")  # Bengali letters and marks; digits and Latin left out


@dataclass(frozen=True)
class Utterance:
    """One recording."""

    id: str
    text: str
    """As written."""
    tokens: np.ndarray
    """int64 [k], indices of ``SYMBOLS``."""
    audio: np.ndarray
    """float32 [n] at 16 kHz."""
    starts: np.ndarray | None = None
    """When each token starts, float [k] in seconds; None where nobody knows."""


def split_of(text: str) -> str:
    """``train``, ``val`` or ``test``, fixed by the text alone, so that no text is ever in two splits."""
    bucket = zlib.crc32(text.encode())
    if bucket % TEST_SHARE == 0:
        return "test"
    return "val" if bucket % VALIDATION_SHARE == 1 else "train"


def tokenize(text: str, phonemizer: Phonemizer) -> np.ndarray:
    """Written Bengali → int64 [k] token indices of ``SYMBOLS``; raises TextError when nothing can be spoken."""
    tokens = phonemizer(verbalize(text))
    if not any(token.isalpha() or token.endswith("^") for token in tokens):
        raise TextError(f"nothing to say in {text[:40]!r}: give a text with at least one Bengali word or number.")
    if tokens[-1] not in ".?!":
        tokens.append(".")  # the voice learned to stop at a mark
    return np.array([SYMBOLS.index(token) for token in tokens], dtype=np.int64)


def collect_texts(sources: list[Path], words: tuple[int, int] = (1, 16)) -> list[str]:
    """Distinct speakable sentences of ``sources``, in file order.

    Files as :func:`~bengali_feedback.text.read_texts` reads them. Sentences with digits, Latin letters or fewer or
    more than ``words`` words are left out.
    """
    lines = map(normalize_bengali, read_texts(sources))
    return list(
        dict.fromkeys(
            line for line in lines if _SPEAKABLE.fullmatch(line) and words[0] <= len(line.split()) <= words[1]
        )
    )


def render_teacher(texts: list[str], out: Path, phonemizer: Phonemizer, quiet: bool = False) -> int:
    """Let eSpeak NG speak ``texts`` from our phonemes into ``out``; returns how many recordings there are.

    LJSpeech layout, and beside it ``starts/ID.txt``: when each token starts, in seconds. Deterministic; a rendering
    that was interrupted goes on where it stopped. Texts that yield under 0.3 s of sound are left out.
    """
    (out / "wavs").mkdir(parents=True, exist_ok=True)
    (out / "starts").mkdir(exist_ok=True)
    names = {text: f"{zlib.crc32(text.encode()):08x}" for text in texts}
    missing = [text for text in texts if not (out / "wavs" / f"{names[text]}.wav").exists()]
    sequences = [[SYMBOLS[index] for index in tokenize(text, phonemizer)] for text in missing]
    trim_silence(np.ones(SAMPLE_RATE, np.float32))  # loads librosa here, once, and not in every process below
    # A process a sentence: eSpeak NG carries noise and melody over from one sentence to the next.
    with multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0)), maxtasksperchild=1) as pool:
        spoken = pool.imap(speak, map(to_espeak, sequences), chunksize=1)
        progress = tqdm(missing, desc="teacher speech", disable=quiet, mininterval=5)
        for text, tokens, (audio, phonemes) in zip(progress, sequences, spoken, strict=True):
            audio, cut = trim_silence(audio)
            if len(audio) < 0.3 * SAMPLE_RATE:
                continue
            starts = token_starts(tokens, phonemes)
            if starts is not None:
                seconds = " ".join(f"{start - cut / SAMPLE_RATE:.4f}" for start in starts)
                (out / "starts" / f"{names[text]}.txt").write_text(seconds + "\n", encoding="utf-8")
            write_wav(out / "wavs" / f"{names[text]}.wav", PEAK * audio / np.abs(audio).max())
    lines = [f"{name}|{text}\n" for text, name in names.items() if (out / "wavs" / f"{name}.wav").exists()]
    write_text(out / "metadata.csv", "".join(lines))
    return len(lines)


def write_wav(path: Path, audio: np.ndarray) -> None:
    """Write float32 [n] in [-1, 1] as 16-bit PCM WAV at 16 kHz; the file appears complete or not at all.

    Raises
    ------
    DataError
        When the file cannot be written.
    """
    import soundfile

    try:
        with replacing(path) as temporary:
            soundfile.write(temporary, audio, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.SoundFileError) as error:
        raise DataError(f"cannot write {path} ({error}): choose a file in a folder that exists.") from None


def read_speech(folder: Path, phonemizer: Phonemizer, split: str) -> list[Utterance]:
    """Read the recordings of one split (:func:`split_of`) in LJSpeech layout, resampled to 16 kHz.

    Raises
    ------
    DataError
        When ``metadata.csv`` or a recording is missing or unreadable; the message names file and line.
    """
    import librosa
    import soundfile

    metadata = folder / "metadata.csv"
    try:
        rows = list(csv.reader(metadata.open(encoding="utf-8", newline=""), delimiter="|", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {metadata}: {error}; the folder must be in LJSpeech layout.") from None
    utterances = []
    for line, row in enumerate(rows, start=1):
        if len(row) < 2:
            raise DataError(f"{metadata}, line {line}: expected `id|text`.")
        if split_of(row[-1]) != split:
            continue
        path = folder / "wavs" / f"{row[0]}.wav"
        try:
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (OSError, soundfile.SoundFileError) as error:
            raise DataError(f"{metadata}, line {line}: cannot read {path}: {error}.") from None
        audio = audio.mean(axis=1)
        if rate != SAMPLE_RATE:
            audio = librosa.resample(audio, orig_sr=rate, target_sr=SAMPLE_RATE)
        tokens = tokenize(row[-1], phonemizer)
        utterances.append(
            Utterance(row[0], row[-1], tokens, audio, _read_starts(folder / "starts" / f"{row[0]}.txt", len(tokens)))
        )
    return utterances


def _read_starts(path: Path, count: int) -> np.ndarray | None:
    """Token starts that :func:`render_teacher` wrote; None when there are none or they are of another pronunciation."""
    if not path.exists():
        return None
    starts = np.array(path.read_text(encoding="utf-8").split(), dtype=np.float64)
    return starts if len(starts) == count else None
