"""``BengaliSpeech``: Bengali text in, speech out."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint
from ..errors import CheckpointError, TextError
from .audio import SAMPLE_RATE
from .dataset import tokenize
from .phonemize import Phonemizer
from .verbalize import verbalize

MAX_CHARACTERS = 20_000  # about half an hour of speech
MAX_WORDS = 16  # a longer sentence is spoken in parts, for the voice learned from sentences of up to 16 words
PAUSE = 0.25  # seconds of silence after a sentence
ATTEMPTS = 3  # a rendering whose attention failed is made again with another seed
PEAK = 0.9  # loudest sample of what is returned; nothing clips


@dataclass(frozen=True)
class Speech:
    """What was synthesised."""

    audio: np.ndarray
    """float32 [n] in [-0.9, 0.9]."""
    sample_rate: int
    """16000 Hz."""
    mel: np.ndarray
    """Tacotron 2's natural-log mel spectrogram, float32 [80, t], of all parts, without the pauses between them."""
    alignments: list[np.ndarray]
    """Attention of each part, float32 [decoder steps, tokens]; a step is 32 ms."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds spent in ``tacotron2`` and ``waveglow``."""


class BengaliSpeech:
    """Speaks Bengali: text → spoken words → phonemes → Tacotron 2 → WaveGlow (seed 004 §5.3).

    Examples
    --------
    >>> speech = BengaliSpeech.load().synthesize("আপনার হাসিটা খুব সুন্দর।")
    >>> speech.audio, speech.sample_rate
    """

    def __init__(self, tacotron2, waveglow, phonemizer: Phonemizer):
        self._tacotron2 = tacotron2.eval()
        self._waveglow = waveglow.eval()
        self._phonemizer = phonemizer

    @classmethod
    def load(cls, path: Path | str | None = None, lexicon: Path | str | None = None) -> "BengaliSpeech":
        """Load ``tacotron2.nemo``, ``waveglow.nemo`` and ``g2p.crfsuite`` of a folder; by default the shipped ones.

        Parameters
        ----------
        lexicon
            Your own pronunciations, in the form of :func:`~bengali_feedback.tts.phonemize.read_pronunciations`.

        Raises
        ------
        CheckpointError
            When a file is missing, altered or unreadable.
        DataError
            When the lexicon is missing or has a fault.
        """
        names = ("tacotron2.nemo", "waveglow.nemo", "g2p.crfsuite")
        files = [checkpoint(f"tts/{name}") if path is None else Path(path) / name for name in names]
        for file in files:
            if not file.is_file():
                raise CheckpointError(f"{file} is missing: train it with `bengali-feedback train tts`.")
        phonemizer = Phonemizer.load(files[2], lexicon)  # first, for it takes no time to find a fault in a lexicon
        from .models import restore_tacotron2, restore_waveglow

        return cls(restore_tacotron2(files[0]), restore_waveglow(files[1]), phonemizer)

    def synthesize(self, text: str, seed: int = 0) -> Speech:
        """Speak ``text``; the same text and seed give the same sound.

        Parameters
        ----------
        text
            Bengali as written, up to 20,000 characters; numbers, dates and abbreviations are spoken as words.
        seed
            Of Tacotron 2's prenet dropout and WaveGlow's noise.

        Raises
        ------
        TextError
            When the text is empty, too long, or holds nothing that can be spoken.
        """
        if len(text) > MAX_CHARACTERS:
            raise TextError(f"the text has {len(text)} characters: give at most {MAX_CHARACTERS} at a time.")
        parts = [tokenize(part, self._phonemizer) for part in split_text(text)]
        if not parts:
            raise TextError("the text is empty: give at least one Bengali word.")
        timings = {"tacotron2": 0.0, "waveglow": 0.0}
        sounds, mels, alignments = [], [], []
        for number, tokens in enumerate(parts):
            started = time.perf_counter()
            mel, alignment = self.mel(tokens, seed + number)
            timings["tacotron2"] += time.perf_counter() - started
            started = time.perf_counter()
            sounds += [self.vocode(mel, seed + number), np.zeros(int(PAUSE * SAMPLE_RATE), np.float32)]
            timings["waveglow"] += time.perf_counter() - started
            mels.append(mel)
            alignments.append(alignment)
        return Speech(np.concatenate(sounds[:-1]), SAMPLE_RATE, np.concatenate(mels, axis=1), alignments, timings)

    def mel(self, tokens: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Token ids int64 [k] → natural-log mel float32 [80, t] and attention float32 [t / 2, k].

        A rendering whose attention failed (:func:`attention_fault`) is made again with another seed, up to 3 times.
        """
        best = None
        for attempt in range(ATTEMPTS):
            mel, alignment = self._infer(tokens, 1000 * seed + attempt)
            fault = attention_fault(alignment)
            if best is None or fault is None:
                best = mel, alignment
            if fault is None:
                break
        return best

    def _infer(self, tokens: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        import torch

        model = self._tacotron2
        model.decoder.max_decoder_steps = step_limit(len(tokens))
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            length = torch.tensor([len(tokens)])
            memory = model.encode(torch.from_numpy(tokens)[None], length)
            decoded, _, alignment, _ = model.decoder(memory=memory, memory_lengths=length)
            return model.log_mel(decoded)[0].numpy(), alignment[0].numpy()

    def vocode(self, mel: np.ndarray, seed: int = 0) -> np.ndarray:
        """Natural-log mel float32 [80, t] → waveform float32 [256 (t - 1)] in [-0.9, 0.9]."""
        import torch

        from .waveglow import DELAY, GROUP, SIGMA, STEPS_PER_FRAME

        noise = np.random.default_rng(seed).standard_normal((1, GROUP, mel.shape[1] * STEPS_PER_FRAME), np.float32)
        with torch.inference_mode():
            spectrum = torch.from_numpy(np.ascontiguousarray(mel, np.float32))[None]
            audio = self._waveglow(spectrum, torch.from_numpy(SIGMA * noise))
        audio = audio[0, DELAY:].numpy()
        fade = np.linspace(0.0, 1.0, 128, dtype=np.float32)[: len(audio) // 2]  # 8 ms: no click at either end
        audio = audio - audio.mean()
        audio[: len(fade)] *= fade
        audio[len(audio) - len(fade) :] *= fade[::-1]
        return audio * np.float32(PEAK / max(PEAK, float(np.abs(audio).max(initial=0.0))))


def split_text(text: str) -> list[str]:
    """The spoken words of a written text, cut at line ends and sentence marks.

    Sentences of more than 16 words are cut at commas too or, failing that, between words. The words are made first:
    only then is a mark a mark (not the colon of ৮:৩০ or the question mark of a web address) and a word one word.
    """
    parts: list[str] = []
    lines = (line for line in text.splitlines() if any(map(str.isalnum, line)))
    for sentence in (sentence for line in lines for sentence in re.findall("[^।?!]+[।?!]*", verbalize(line))):
        clauses = [sentence] if len(sentence.split()) <= MAX_WORDS else re.findall("[^,]+,?", sentence)
        for clause in clauses:
            words = clause.split()
            pieces = -(-len(words) // MAX_WORDS)
            for piece in range(pieces):
                parts.append(" ".join(words[piece * len(words) // pieces : (piece + 1) * len(words) // pieces]))
    return parts


def step_limit(tokens: int) -> int:
    """Decoder steps after which a rendering is given up: twice the slowest speech of the training data."""
    return 20 + 6 * tokens


def attention_fault(alignment: np.ndarray) -> str | None:
    """What is wrong with an alignment float [steps, tokens], or None.

    ``stopped early``: the last tokens were never attended to; ``did not stop``: it ran into the step limit;
    ``skipped`` or ``repeated``: attention jumped over more than 6 tokens, or fell back by more than 3.
    """
    steps, tokens = alignment.shape
    if steps >= step_limit(tokens):
        return "did not stop"
    focus = alignment.argmax(axis=1)
    if focus.max() < tokens - 4:
        return "stopped early"
    moves = np.diff(focus)
    if len(moves) and moves.max() > 6:
        return "skipped"
    if (focus < np.maximum.accumulate(focus) - 3).any():
        return "repeated"
    return None
