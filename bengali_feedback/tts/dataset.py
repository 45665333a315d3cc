"""Speech to learn from: rendering teacher speech with eSpeak NG, and reading recordings in LJSpeech layout.

LJSpeech layout (Ito & Johnson 2017): ``DIR/metadata.csv`` with one ``id|text`` a line and ``DIR/wavs/ID.wav``.
"""

import csv
import io
import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import DataError, MissingDependencyError, TextError
from ..text import normalize_bengali
from .audio import SAMPLE_RATE, trim_silence
from .phonemize import SYMBOLS, Phonemizer, to_espeak
from .verbalize import verbalize

VOICE = "bn+f2"  # eSpeak NG's Bengali with its second female variant
SPEED = 150  # words a minute; eSpeak NG's default of 175 blurs Bengali conjuncts
PEAK = 0.7  # every utterance is scaled to this peak, so that loudness does not depend on its loudest phoneme
TEST_SHARE, VALIDATION_SHARE = 40, 80  # every 40th utterance is test, every 80th validation, by its text's hash

_SPEAKABLE = re.compile(r"[\u0980-\u09e3\u200d ,।?!]+")  # Bengali letters and marks; digits and Latin left out


@dataclass(frozen=True)
class Utterance:
    """One recording: ``text`` as written, ``tokens`` int64 [k] of ``SYMBOLS``, ``audio`` float32 [n] at 16 kHz."""

    id: str
    text: str
    tokens: np.ndarray
    audio: np.ndarray


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


def collect_texts(sources: list[Path], words: tuple[int, int] = (2, 18)) -> list[str]:
    """Distinct speakable sentences of ``sources``, in file order.

    A ``.tsv`` with a header gives its column ``text`` or ``bn``; any other file one sentence a line. Sentences with
    digits, Latin letters or fewer/more than ``words`` words are left out.
    """
    texts: dict[str, None] = {}
    for source in sources:
        try:
            lines = source.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {source} as UTF-8 text: {error}.") from None
        if source.suffix == ".tsv":
            header, *rows = [line.split("\t") for line in lines]
            column = next((header.index(name) for name in ("text", "bn") if name in header), None)
            if column is None:
                raise DataError(f"{source}, line 1: no column named text or bn.")
            lines = [row[column] for row in rows if len(row) > column]
        for line in map(normalize_bengali, lines):
            if _SPEAKABLE.fullmatch(line) and words[0] <= len(line.split()) <= words[1]:
                texts[line] = None
    return list(texts)


def espeak(mnemonics: str, voice: str = VOICE, speed: int = SPEED, pitch: int = 50) -> np.ndarray:
    """Speak eSpeak NG input (``[[…]]`` phonemes or text): float32 [n] at 16 kHz, untrimmed.

    ``speed`` in words a minute; ``pitch`` 0 to 99, 50 being the voice's own.
    """
    import librosa
    import soundfile

    if shutil.which("espeak-ng") is None:
        raise MissingDependencyError("eSpeak NG is not installed: run `apt-get install espeak-ng`.")
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", mnemonics]
    wave = subprocess.run(command, capture_output=True, check=True).stdout
    audio, rate = soundfile.read(io.BytesIO(wave), dtype="float32")
    return librosa.resample(audio, orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")


def render_teacher(texts: list[str], out: Path, phonemizer: Phonemizer, quiet: bool = False) -> int:
    """Let eSpeak NG speak ``texts`` from our phonemes into ``out`` (LJSpeech layout); returns how many were written.

    Deterministic; a rendering that was interrupted goes on where it stopped. Texts that yield under 0.3 s of sound
    are left out.
    """
    (out / "wavs").mkdir(parents=True, exist_ok=True)
    lines = []
    for text in tqdm(texts, desc="teacher speech", disable=quiet, mininterval=5):
        name = f"{zlib.crc32(text.encode()):08x}"
        path = out / "wavs" / f"{name}.wav"
        if not path.exists():
            tokens = [SYMBOLS[index] for index in tokenize(text, phonemizer)]
            audio = trim_silence(espeak(to_espeak(tokens)))
            if len(audio) < 0.3 * SAMPLE_RATE:
                continue
            write_wav(path, PEAK * audio / np.abs(audio).max())
        lines.append(f"{name}|{text}\n")
    temporary = out / "metadata.csv.part"
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(out / "metadata.csv")
    return len(lines)


def write_wav(path: Path, audio: np.ndarray) -> None:
    """Write float32 [n] in [-1, 1] as 16-bit PCM WAV at 16 kHz; the file appears complete or not at all.

    Raises
    ------
    DataError
        When the file cannot be written.
    """
    import soundfile

    temporary = path.with_name(path.name + ".part")
    try:
        soundfile.write(temporary, audio, SAMPLE_RATE, subtype="PCM_16", format="WAV")
        temporary.replace(path)
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
        utterances.append(Utterance(row[0], row[-1], tokenize(row[-1], phonemizer), audio))
    return utterances
