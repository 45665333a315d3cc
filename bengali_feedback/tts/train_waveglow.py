"""Training WaveGlow on speech: a short likelihood phase, then spectral losses through the inverse pass.

Likelihood alone (Prenger et al. 2018) learns slowly on a CPU; differences between the spectrograms of synthesised
and recorded speech, taken through the inverse pass, learn fast. The first phase gives the flow its shape, the
second its sound.
"""

import math
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..files import replacing
from ..processor import computes_bfloat16
from .audio import FFT_LENGTH, HOP_LENGTH, LOG_FLOOR, N_MELS, mel_filterbank
from .waveglow import DELAY, GROUP, SIGMA, STEPS_PER_FRAME, FrameRateWaveGlow

SEGMENT_FRAMES = 32  # 8,192 samples
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))  # FFT length and hop of each spectral loss, samples
SAVE_EVERY = 100  # steps


def train_waveglow(
    utterances: list[tuple[np.ndarray, np.ndarray]],
    run: Path,
    steps: int = 6000,
    total_steps: int | None = None,
    likelihood_steps: int = 400,
    batch_size: int = 6,
    learning_rate: float = 6e-4,
    seed: int = 0,
    network: FrameRateWaveGlow | None = None,
    quiet: bool = False,
) -> FrameRateWaveGlow:
    """Train on pairs of mel spectrogram float32 [80, t] and audio float32 [n]; resume from ``run`` if it has a state.

    Parameters
    ----------
    utterances
        Pairs (mel, audio); frame t of the mel is centred on sample 256 t of the audio. The mel may be Tacotron 2's
        own, made under the recording's timing (teacher forcing).
    run
        Folder for ``waveglow.pt``: weights, optimiser, step; written every 100 steps, atomically.
    steps, total_steps, likelihood_steps
        Stop after ``steps``; the learning rate decays over ``total_steps`` (default: ``steps``); how many steps, at
        the start, maximise likelihood.
    network
        Where to start from when ``run`` holds no state; by default a new network.

    Returns
    -------
    The network after ``steps`` steps.
    """
    total_steps = total_steps or steps
    torch.manual_seed(seed)
    network = network or FrameRateWaveGlow()
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    state = run / "waveglow.pt"
    first = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["step"]
    run.mkdir(parents=True, exist_ok=True)
    spectral_loss = SpectralLoss()
    progress = tqdm(range(first, steps), initial=first, total=steps, desc="WaveGlow", disable=quiet, mininterval=10)
    bfloat16, started, losses = computes_bfloat16(), time.monotonic(), []
    for step in progress:
        rng = np.random.default_rng([seed, step])  # a step's batch does not depend on how often training resumed
        mel, audio = segments(utterances, batch_size, rng)
        decay = 0.05 + 0.95 * math.cos(math.pi / 2 * step / total_steps)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * decay * min(1.0, (step + 1) / 100)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            if step < likelihood_steps:
                z, log_det = network.latent(mel, audio)
                loss = ((z.float() ** 2).sum() / 2 - log_det) / z.numel()
            else:
                noise = SIGMA * rng.standard_normal((batch_size, GROUP, mel.shape[2] * STEPS_PER_FRAME), np.float32)
                synthesised = network(mel, torch.from_numpy(noise)).float()
        if step >= likelihood_steps:
            loss = spectral_loss(synthesised[:, DELAY:], audio[:, DELAY:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        if torch.isfinite(norm):
            optimizer.step()
        losses.append(loss.item())
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            saved = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            with replacing(state) as temporary:
                torch.save(saved, temporary)
            with open(run / "waveglow.log", "a", encoding="utf-8") as log:
                log.write(f"{step + 1}\t{np.mean(losses):.4f}\t{time.monotonic() - started:.0f}\n")
            progress.set_postfix(loss=f"{np.mean(losses):.3f}")
            losses.clear()
    return network


def segments(utterances, batch_size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random segments: mel [b, 80, 32] and audio [b, 8192], the audio 256 samples early as the network's output is."""
    lengths = np.array([mel.shape[1] for mel, _ in utterances], dtype=np.float64)
    mels = np.full((batch_size, N_MELS, SEGMENT_FRAMES), math.log(LOG_FLOOR), np.float32)
    audios = np.zeros((batch_size, SEGMENT_FRAMES * HOP_LENGTH), np.float32)
    for row, index in enumerate(rng.choice(len(utterances), batch_size, p=lengths / lengths.sum())):
        mel, audio = utterances[index]
        start = int(rng.integers(0, max(1, mel.shape[1] - SEGMENT_FRAMES + 1)))
        piece = mel[:, start : start + SEGMENT_FRAMES]
        mels[row, :, : piece.shape[1]] = piece
        begin = start * HOP_LENGTH - DELAY
        sound = audio[max(0, begin) : begin + SEGMENT_FRAMES * HOP_LENGTH]
        offset = max(0, -begin)
        audios[row, offset : offset + len(sound)] = sound
    return torch.from_numpy(mels), torch.from_numpy(audios)


class SpectralLoss(torch.nn.Module):
    """Multi-resolution STFT loss (Yamamoto et al. 2020, arXiv:1910.11480 §2.2) plus log-mel L1 (HiFi-GAN §3.3)."""

    def __init__(self):
        super().__init__()
        self.filterbank = torch.from_numpy(mel_filterbank())
        self.windows = {length: torch.hann_window(length) for length, _ in RESOLUTIONS}

    def _magnitude(self, audio: torch.Tensor, length: int, hop: int) -> torch.Tensor:
        spectrum = torch.stft(audio, length, hop, window=self.windows[length], return_complex=True)
        return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-9)  # the root's slope stays finite at silence

    def forward(self, synthesised: torch.Tensor, recorded: torch.Tensor) -> torch.Tensor:
        """Both float32 [b, n] → scalar."""
        loss = 0.0
        for length, hop in RESOLUTIONS:
            ours, theirs = self._magnitude(synthesised, length, hop), self._magnitude(recorded, length, hop)
            convergence = (theirs - ours).norm() / theirs.norm().clamp_min(1e-3)
            logarithmic = (torch.log(ours.clamp_min(1e-4)) - torch.log(theirs.clamp_min(1e-4))).abs().mean()
            loss = loss + (convergence + logarithmic) / len(RESOLUTIONS)
            if length == FFT_LENGTH:
                mels = [torch.log((self.filterbank @ part).clamp_min(LOG_FLOOR)) for part in (ours, theirs)]
                loss = loss + (mels[0] - mels[1]).abs().mean()
        return loss
