"""How well the voice speaks: attention, whether a sentence is recognised, the vocoder, silence and clipping."""

import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import DataError
from ..tts.audio import HOP_LENGTH, SAMPLE_RATE, mel_spectrogram
from ..tts.dataset import Utterance, read_speech
from ..tts.espeak import VOICE, speak
from ..tts.phonemize import SYMBOLS, Phonemizer, to_espeak
from ..tts.synthesizer import BengaliSpeech, attention_fault

CANDIDATES = 16  # sentences a rendering is told apart from: its own text and the 15 nearest in length
OTHER_VOICE = "bn+m3"  # eSpeak NG's third male variant speaks the candidates: no timbre in common with ours
LENGTH_TOLERANCE = 0.25  # of the teacher's length
SILENCE_DB = 40.0  # below the loudest frame counts as silent


def evaluate_tts(data: Path, count: int = 100, quiet: bool = False) -> dict:
    """Synthesise held-out sentences of ``data`` (LJSpeech layout, as `train teacher` writes it) and measure them.

    Returns
    -------
    dict
        ``attention_failures``: sentences whose attention skipped, repeated or did not stop, or whose length is more
        than 25 % off the teacher's; ``identified``: share whose nearest of 16 renderings by eSpeak NG (another
        voice; dynamic time warping over MFCC) is the right sentence, with ``identified_teacher`` for the teacher's
        own recordings and ``identified_copy`` for the vocoder on the teacher's mel; ``copy_estoi`` and
        ``copy_log_mel_l1``: the vocoder alone; ``clipped_samples``; ``longest_silence_s`` inside a sentence;
        ``real_time_factor`` and its parts; ``failures``: the sentences and what was wrong.

    Raises
    ------
    DataError
        When ``data`` holds fewer than ``count`` held-out recordings.
    """
    from pystoi import stoi

    speech = BengaliSpeech.load()
    held_out = read_speech(data, Phonemizer.load(), "test")[:count]
    if len(held_out) < count:
        raise DataError(f"{data} holds {len(held_out)} held-out recordings: {count} are needed.")
    references = [mfcc(speak(espeak_input(u), voice=OTHER_VOICE)[0]) for u in held_out]

    failures, rows = [], []
    for index, utterance in enumerate(tqdm(held_out, desc="voice", disable=quiet, mininterval=5)):
        started = time.perf_counter()
        mel, alignment = speech.mel(utterance.tokens)
        middle = time.perf_counter()
        audio = speech.vocode(mel)
        ended = time.perf_counter()
        teacher_mel = mel_spectrogram(utterance.audio)
        copy = speech.vocode(teacher_mel)
        length = min(len(copy), len(utterance.audio))
        length_ratio = mel.shape[1] / teacher_mel.shape[1]
        fault = attention_fault(alignment)
        if fault is None and abs(length_ratio - 1) > LENGTH_TOLERANCE:
            fault = f"length {length_ratio:.2f} of the teacher's"
        if fault:
            failures.append({"text": utterance.text, "fault": fault})
        candidates = nearest_in_length(held_out, index)
        rows.append(
            {
                "length_ratio": length_ratio,
                "identified": identify(mfcc(audio), references, candidates) == index,
                "identified_copy": identify(mfcc(copy), references, candidates) == index,
                "identified_teacher": identify(mfcc(utterance.audio), references, candidates) == index,
                "copy_estoi": stoi(utterance.audio[:length], copy[:length], SAMPLE_RATE, extended=True),
                "copy_log_mel_l1": log_mel_distance(copy[:length], utterance.audio[:length]),
                "clipped": int((np.abs(audio) >= 1.0).sum()),
                "silence": longest_silence(audio),
                "tacotron2": (middle - started) / (len(audio) / SAMPLE_RATE),
                "waveglow": (ended - middle) / (len(audio) / SAMPLE_RATE),
            }
        )
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        "sentences": count,
        "teacher_voice": VOICE,
        "candidate_voice": OTHER_VOICE,
        "attention_failures": len(failures),
        "identified": float(column["identified"].mean()),
        "identified_copy": float(column["identified_copy"].mean()),
        "identified_teacher": float(column["identified_teacher"].mean()),
        "copy_estoi": float(column["copy_estoi"].mean()),
        "copy_log_mel_l1": float(column["copy_log_mel_l1"].mean()),
        "length_ratio_range": [float(column["length_ratio"].min()), float(column["length_ratio"].max())],
        "clipped_samples": int(column["clipped"].sum()),
        "longest_silence_s": float(column["silence"].max()),
        "real_time_factor": {name: float(np.median(column[name])) for name in ("tacotron2", "waveglow")},
        "failures": failures,
    }


def espeak_input(utterance: Utterance) -> str:
    """The utterance's phonemes in eSpeak NG's notation."""
    return to_espeak([SYMBOLS[token] for token in utterance.tokens])


def nearest_in_length(utterances: list[Utterance], index: int) -> list[int]:
    """Indices of the utterance and the 15 others whose teacher speech is nearest in length."""
    lengths = np.array([len(u.audio) for u in utterances])
    return list(np.argsort(np.abs(lengths - lengths[index]), kind="stable")[:CANDIDATES])


def mfcc(audio: np.ndarray) -> np.ndarray:
    """13 MFCC without the energy and their slopes, normalised a sentence, float32 [24, t]."""
    import librosa

    trimmed, _ = librosa.effects.trim(audio, top_db=SILENCE_DB)
    cepstrum = librosa.feature.mfcc(y=trimmed, sr=SAMPLE_RATE, n_mfcc=13, hop_length=HOP_LENGTH, n_fft=1024)[1:]
    features = np.concatenate([cepstrum, librosa.feature.delta(cepstrum, mode="nearest")])
    return (features - features.mean(axis=1, keepdims=True)) / (features.std(axis=1, keepdims=True) + 1e-6)


def identify(features: np.ndarray, references: list[np.ndarray], candidates: list[int]) -> int:
    """The candidate whose reference is nearest by dynamic time warping, cost a step of the path."""
    import librosa

    def distance(reference: np.ndarray) -> float:
        cost, path = librosa.sequence.dtw(features, reference, metric="euclidean")
        return cost[-1, -1] / len(path)

    return min(candidates, key=lambda candidate: distance(references[candidate]))


def log_mel_distance(audio: np.ndarray, reference: np.ndarray) -> float:
    """Mean absolute difference of the natural-log mel spectrograms."""
    return float(np.abs(mel_spectrogram(audio) - mel_spectrogram(reference)).mean())


def longest_silence(audio: np.ndarray) -> float:
    """Seconds of the longest stretch inside the speech that is 40 dB below its loudest frame."""
    import librosa

    level = librosa.feature.rms(y=audio, frame_length=512, hop_length=128)[0]
    loud = np.flatnonzero(level > level.max() * 10 ** (-SILENCE_DB / 20))
    return float(np.diff(loud).max(initial=1) - 1) * 128 / SAMPLE_RATE


def tts_markdown(result: dict) -> str:
    """The report as Markdown."""
    low, high = result["length_ratio_range"]
    factor = result["real_time_factor"]
    lines = [
        f"# The voice on {result['sentences']} held-out sentences",
        "",
        "| measure | value |",
        "|---|---|",
        f"| attention failures | {result['attention_failures']} |",
        f"| length, share of the teacher's | {low:.2f} to {high:.2f} |",
        f"| recognised among {CANDIDATES} sentences | {result['identified']:.0%} |",
        f"| the same, vocoder on the teacher's mel | {result['identified_copy']:.0%} |",
        f"| the same, the teacher's own recordings | {result['identified_teacher']:.0%} |",
        f"| copy synthesis, ESTOI | {result['copy_estoi']:.3f} |",
        f"| copy synthesis, log-mel L1 | {result['copy_log_mel_l1']:.3f} |",
        f"| clipped samples | {result['clipped_samples']} |",
        f"| longest silence inside a sentence | {result['longest_silence_s']:.2f} s |",
        f"| seconds of Tacotron 2 a second of speech | {factor['tacotron2']:.3f} |",
        f"| seconds of WaveGlow a second of speech | {factor['waveglow']:.3f} |",
        "",
        f"Candidates are spoken by eSpeak NG's {result['candidate_voice']}; the teacher's voice is "
        f"{result['teacher_voice']}.",
    ]
    lines += [f"- {failure['fault']}: {failure['text']}" for failure in result["failures"]]
    return "\n".join(lines) + "\n"
