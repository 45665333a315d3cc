"""Waveforms and mel spectrograms: the one set of analysis parameters that every part of the voice shares."""

from functools import lru_cache

import numpy as np

SAMPLE_RATE = 16000  # Hz
HOP_LENGTH = 256  # samples a frame, 16 ms: NeMo's WaveGlow upsamples by exactly this
FFT_LENGTH = 1024  # samples, 64 ms Hann window
N_MELS = 80  # bands, Slaney scale
F_MIN, F_MAX = 0.0, 8000.0  # Hz
LOG_FLOOR = 1e-5  # magnitude below which the logarithm is flat: log(1e-5) = -11.5


def mel_spectrogram(audio: np.ndarray) -> np.ndarray:
    """Natural log of the mel magnitude spectrogram.

    Parameters
    ----------
    audio
        float32 [n] in [-1, 1] at 16 kHz.

    Returns
    -------
    float32 [80, n // 256 + 1], frame t centred on sample 256 t; floored at log(1e-5).
    """
    import librosa

    spectrum = np.abs(librosa.stft(audio, n_fft=FFT_LENGTH, hop_length=HOP_LENGTH, pad_mode="reflect"))
    return np.log(np.maximum(mel_filterbank() @ spectrum, LOG_FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def mel_filterbank() -> np.ndarray:
    """Slaney-normalised triangular filters, float32 [80, 513]."""
    import librosa

    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_LENGTH, n_mels=N_MELS, fmin=F_MIN, fmax=F_MAX)


def trim_silence(audio: np.ndarray, below_peak_db: float = 45.0) -> tuple[np.ndarray, int]:
    """Cut silence at both ends, leaving 32 ms of it before and 64 ms behind.

    float32 [n] → float32 [m], and how many samples were cut off the start.
    """
    import librosa

    _, (start, end) = librosa.effects.trim(audio, top_db=below_peak_db, frame_length=512, hop_length=128)
    start = max(0, start - 2 * HOP_LENGTH)
    return audio[start : end + 4 * HOP_LENGTH], start
