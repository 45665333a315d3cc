"""Training the voice: Tacotron 2, then WaveGlow on recordings and on Tacotron 2's own mel spectrograms."""

from pathlib import Path

import numpy as np

from ..checkpoints import register
from ..errors import DataError
from .audio import SAMPLE_RATE, mel_spectrogram
from .dataset import Utterance, read_speech
from .phonemize import Phonemizer

TOKENS_PER_SECOND = (6.0, 16.0)  # recordings outside are cut off or do not match their text
OWN_MELS = 1600  # recordings whose mel Tacotron 2 makes for WaveGlow, about one hour of speech
FEW = 200  # recordings; with less neither network learns to speak


def train(
    data: Path,
    out: Path,
    run: Path,
    tacotron2_steps: int = 800,
    waveglow_steps: int = 6000,
    seed: int = 0,
    quiet: bool = False,
) -> None:
    """Train both networks on recordings in LJSpeech layout and write ``out/tts/*.nemo``.

    Both trainings keep their state in ``run`` and resume from it. After a sixth of its steps WaveGlow also hears
    Tacotron 2's mel spectrograms, made under the recordings' timing, for those are what it will be given.

    Raises
    ------
    DataError
        When the recordings are unreadable or fewer than 200 are usable.
    """
    import torch

    from . import models
    from .train_tacotron2 import Example, mel_statistics, train_tacotron2
    from .train_waveglow import train_waveglow
    from .waveglow import to_nemo

    utterances = [u for u in read_speech(data, Phonemizer.load(), "train") if _plausible(u)]
    if len(utterances) < FEW:
        raise DataError(f"{data} has {len(utterances)} usable recordings: at least {FEW} are needed.")
    mels = [mel_spectrogram(utterance.audio) for utterance in utterances]
    examples = [Example(u.tokens, mel, u.starts) for u, mel in zip(utterances, mels, strict=True)]

    torch.manual_seed(seed)
    tacotron2 = models.tacotron2(*mel_statistics(examples))
    train_tacotron2(tacotron2, examples, run, steps=tacotron2_steps, seed=seed, quiet=quiet)
    models.save_nemo(tacotron2, out / "tts" / "tacotron2.nemo")
    register(out, "tts/tacotron2.nemo")

    pairs = [(mel, u.audio) for u, mel in zip(utterances, mels, strict=True)]
    on_recordings = waveglow_steps // 6
    train_waveglow(pairs, run, steps=on_recordings, total_steps=waveglow_steps, seed=seed, quiet=quiet)
    pairs += own_mels(tacotron2, examples[:OWN_MELS], utterances)
    network = train_waveglow(pairs, run, steps=waveglow_steps, seed=seed, quiet=quiet)
    waveglow = models.waveglow()
    to_nemo(network, waveglow.waveglow)
    models.save_nemo(waveglow, out / "tts" / "waveglow.nemo")
    register(out, "tts/waveglow.nemo")


def _plausible(utterance: Utterance) -> bool:
    rate = len(utterance.tokens) / (len(utterance.audio) / SAMPLE_RATE)
    return TOKENS_PER_SECOND[0] <= rate <= TOKENS_PER_SECOND[1]


def own_mels(tacotron2, examples, utterances) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of Tacotron 2's mel spectrogram under teacher forcing, and the recording it was forced by."""
    import torch

    from .train_tacotron2 import collate, teacher_forced_mel

    pairs = []
    tacotron2.eval()
    for first in range(0, len(examples), 16):
        batch = examples[first : first + 16]
        with torch.inference_mode():
            mel = teacher_forced_mel(tacotron2, *collate(batch, tacotron2._cfg.mel_mean, tacotron2._cfg.mel_deviation))
        for row, (example, utterance) in enumerate(zip(batch, utterances[first : first + 16], strict=True)):
            pairs.append((mel[row, :, : example.mel.shape[1]].numpy(), utterance.audio))
    return pairs
