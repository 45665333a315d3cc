import numpy as np

from bengali_feedback.evaluation.tts import identify, log_mel_distance, longest_silence, mfcc, nearest_in_length
from bengali_feedback.tts.dataset import Utterance


def melody(notes: list[int], seconds: float = 0.25, harmonics: int = 12) -> np.ndarray:
    """Notes with a formant that moves with them."""
    time = np.arange(int(seconds * 16000)) / 16000
    tones = []
    for note in notes:
        formant = 400 + 300 * note
        tone = sum(
            np.exp(-(((k * 120 - formant) / 300) ** 2)) * np.sin(2 * np.pi * 120 * k * time)
            for k in range(1, harmonics * 3)
        )
        tones.append(0.1 * tone)
    return np.concatenate(tones).astype(np.float32)


def test_the_same_words_at_another_pace_are_identified():
    sounds = [melody(notes) for notes in ([1, 4, 2, 6], [6, 2, 4, 1], [2, 2, 5, 5])]
    references = [mfcc(sound) for sound in sounds]
    slower = mfcc(melody([6, 2, 4, 1], seconds=0.33))
    assert identify(slower, references, [0, 1, 2]) == 1


def test_only_the_candidates_are_compared():
    references = [mfcc(melody(notes)) for notes in ([1, 4, 2, 6], [6, 2, 4, 1])]
    assert identify(references[0], references, [1]) == 1


def test_nearest_in_length_contains_the_sentence_itself_first():
    utterances = [Utterance(str(n), "", np.zeros(1), np.zeros(1000 * n)) for n in range(1, 41)]
    nearest = nearest_in_length(utterances, 19)
    assert nearest[0] == 19 and len(nearest) == 16
    assert set(nearest) == set(range(12, 28)) or set(nearest) == set(range(11, 27))


def test_longest_silence_ignores_silence_at_the_ends():
    tone, silence = melody([3]), np.zeros(8000, np.float32)
    assert longest_silence(np.concatenate([silence, tone, silence])) < 0.05
    assert abs(longest_silence(np.concatenate([tone, silence, tone])) - 0.5) < 0.06


def test_log_mel_distance_of_half_the_amplitude_is_log_2():
    rng = np.random.default_rng(0)
    noise = (0.3 * rng.standard_normal(16000)).astype(np.float32)
    assert abs(log_mel_distance(noise / 2, noise) - np.log(2)) < 1e-3
