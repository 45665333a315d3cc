import numpy as np

from bengali_feedback.tts.audio import HOP_LENGTH, LOG_FLOOR, SAMPLE_RATE, mel_filterbank, mel_spectrogram, trim_silence


def sine(frequency: float, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_mel_spectrogram_has_80_bands_and_a_frame_every_256_samples():
    audio = sine(440, 1.0)
    assert mel_spectrogram(audio).shape == (80, len(audio) // HOP_LENGTH + 1)


def test_a_tone_is_loudest_in_the_band_that_holds_it():
    mel = mel_spectrogram(sine(1000, 0.5))
    band = int(mel[:, 10].argmax())
    peak_of_band = mel_filterbank()[band].argmax() * SAMPLE_RATE / 1024
    assert abs(peak_of_band - 1000) < 60


def test_silence_is_floored():
    np.testing.assert_allclose(mel_spectrogram(np.zeros(4000, np.float32)), np.log(LOG_FLOOR), rtol=1e-6)


def test_mel_grows_with_the_logarithm_of_the_amplitude():
    loud, soft = mel_spectrogram(sine(300, 0.5, 0.5)), mel_spectrogram(sine(300, 0.5, 0.05))
    np.testing.assert_allclose((loud - soft)[:, 5:-5].max(), np.log(10), atol=1e-3)


def test_trim_silence_keeps_the_sound_and_a_little_silence():
    silence = np.zeros(SAMPLE_RATE, np.float32)
    trimmed, start = trim_silence(np.concatenate([silence, sine(200, 0.5), silence]))
    assert 0.9 * SAMPLE_RATE < start < SAMPLE_RATE
    assert 0.5 * SAMPLE_RATE < len(trimmed) < 0.7 * SAMPLE_RATE
    assert np.abs(trimmed).max() > 0.49
