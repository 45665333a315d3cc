"""Training Tacotron 2 on pairs of phonemes and mel spectrograms, with guided attention; resumable."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss
from tqdm import tqdm

from .audio import N_MELS
from .models import FRAMES_PER_STEP, CompactTacotron2

SAVE_EVERY = 50  # steps
WARM_UP = 200  # steps
GUIDE_DEVIATION = 0.3  # how far from the diagonal attention may stray without cost, share of the sentence
GUIDE_WEIGHT = 5.0
GATE_POSITIVE_WEIGHT = 5.0  # one step in fifty is the last
BUCKET = 16  # batches drawn together and sorted by length, so that little padding is computed


@dataclass(frozen=True)
class Example:
    """One sentence: ``tokens`` int64 [k], ``mel`` float32 [80, t] natural log, not normalised."""

    tokens: np.ndarray
    mel: np.ndarray


def mel_statistics(examples: list[Example]) -> tuple[float, float]:
    """Mean and standard deviation over all bands and frames."""
    values = np.concatenate([example.mel.ravel() for example in examples[:500]])
    return float(values.mean()), float(values.std())


def train_tacotron2(
    model: CompactTacotron2,
    examples: list[Example],
    run: Path,
    steps: int = 800,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
    quiet: bool = False,
) -> CompactTacotron2:
    """Train with teacher forcing; resume from ``run/tacotron2.pt`` if it exists.

    Loss (Shen et al. 2018 §2.2 plus): squared error before and after the postnet, absolute error after it, binary
    cross-entropy of the stop gate, and guided attention (Tachibana et al. 2018, arXiv:1710.08969 §4.1), which draws
    the alignment to the diagonal and saves hours on a CPU.

    Returns
    -------
    The model, in evaluation mode.
    """
    mean, deviation = model._cfg.mel_mean, model._cfg.mel_deviation
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=1e-6)
    state, first = run / "tacotron2.pt", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["step"]
    run.mkdir(parents=True, exist_ok=True)
    model.train()
    started, losses = time.monotonic(), []
    progress = tqdm(range(first, steps), initial=first, total=steps, desc="Tacotron 2", disable=quiet, mininterval=10)
    for step in progress:
        torch.manual_seed(seed + step)  # dropout does not depend on how often training resumed
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min((step + 1) / WARM_UP, 1.0 - 0.95 * step / steps)
        batch = [examples[i] for i in batch_indices(examples, batch_size, step, seed)]
        with torch.autocast("cpu", dtype=torch.bfloat16):  # half the time of float32
            parts = losses_of(model, *collate(batch, mean, deviation))
        loss = sum(parts)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)):
            optimizer.step()
        losses.append([float(part) for part in parts])
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(saved, state.with_suffix(".part"))
            state.with_suffix(".part").replace(state)
            mel, gate, guide = np.mean(losses, axis=0)
            with open(run / "tacotron2.log", "a", encoding="utf-8") as log:
                log.write(f"{step + 1}\t{mel:.4f}\t{gate:.4f}\t{guide:.4f}\t{time.monotonic() - started:.0f}\n")
            progress.set_postfix(mel=f"{mel:.3f}", guide=f"{guide:.3f}")
            losses.clear()
    return model.eval()


def batch_indices(examples: list[Example], batch_size: int, step: int, seed: int) -> np.ndarray:
    """Indices of one step's batch: sentences of like length, another grouping every ``BUCKET`` steps."""
    rng = np.random.default_rng([seed, step // BUCKET])
    pool = rng.choice(len(examples), min(len(examples), BUCKET * batch_size), replace=False)
    pool = pool[np.argsort([examples[i].mel.shape[1] for i in pool], kind="stable")]
    batches = np.array_split(pool, max(1, len(pool) // batch_size))
    return batches[rng.permutation(len(batches))[step % BUCKET % len(batches)]]


def collate(batch: list[Example], mean: float, deviation: float) -> tuple[torch.Tensor, ...]:
    """Pad a batch: tokens [b, k], token lengths [b], normalised mel [b, 80, t] (t a multiple of 2), mel lengths [b]."""
    token_lengths = torch.tensor([len(example.tokens) for example in batch])
    mel_lengths = torch.tensor([example.mel.shape[1] for example in batch])
    frames = -(-int(mel_lengths.max()) // FRAMES_PER_STEP) * FRAMES_PER_STEP
    tokens = torch.zeros(len(batch), int(token_lengths.max()), dtype=torch.long)
    # NeMo's decoder calls .view on the mel's transpose: it must lie contiguous in time-major order
    mel = torch.zeros(len(batch), frames, N_MELS).transpose(1, 2)
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.from_numpy(example.tokens)
        mel[row, :, : example.mel.shape[1]] = torch.from_numpy((example.mel - mean) / deviation)
    return tokens, token_lengths, mel, mel_lengths


def losses_of(model, tokens, token_lengths, mel, mel_lengths) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mel, gate and (weighted) guided-attention loss of one batch, each a scalar."""
    memory = model.encoder(token_embedding=model.text_embedding(tokens).transpose(1, 2), token_len=token_lengths)
    before, gate, alignment = model.decoder(memory=memory, decoder_inputs=mel, memory_lengths=token_lengths)
    after = model.postnet(mel_spec=before).float()
    before, gate, alignment = before.float(), gate.float(), alignment.float()

    frames = torch.arange(mel.shape[2])
    inside = (frames < mel_lengths[:, None])[:, None].expand_as(mel)
    mel_loss = mse_loss(before[inside], mel[inside]) + mse_loss(after[inside], mel[inside])
    mel_loss = mel_loss + l1_loss(after[inside], mel[inside])

    step_lengths = (mel_lengths + FRAMES_PER_STEP - 1) // FRAMES_PER_STEP
    steps = torch.arange(gate.shape[1])
    last = (steps >= step_lengths[:, None] - 1).float()
    weight = (steps < step_lengths[:, None] + 5).float()  # a few frames of padding teach it to stay stopped
    positive = torch.tensor(GATE_POSITIVE_WEIGHT)
    gate_loss = binary_cross_entropy_with_logits(gate, last, weight=weight, pos_weight=positive)

    guide = attention_guide(token_lengths, step_lengths, alignment.shape)
    return mel_loss, gate_loss, GUIDE_WEIGHT * (alignment * guide).sum() / step_lengths.sum()


def teacher_forced_mel(model, tokens, token_lengths, mel, mel_lengths) -> torch.Tensor:
    """The model's natural-log mel [b, 80, t] under the recordings' timing; arguments as :func:`collate` returns."""
    memory = model.encoder(token_embedding=model.text_embedding(tokens).transpose(1, 2), token_len=token_lengths)
    before, _, _ = model.decoder.train_forward(memory=memory, decoder_inputs=mel, memory_lengths=token_lengths)
    return model.postnet(mel_spec=before) * model._cfg.mel_deviation + model._cfg.mel_mean


def attention_guide(token_lengths: torch.Tensor, step_lengths: torch.Tensor, shape) -> torch.Tensor:
    """Cost [b, steps, tokens] of attending off the diagonal, 0 to 1; zero in the padding."""
    _, steps, tokens = shape
    n = torch.arange(tokens) / token_lengths[:, None]
    t = torch.arange(steps) / step_lengths[:, None]
    guide = 1.0 - torch.exp(-((n[:, None, :] - t[:, :, None]) ** 2) / (2 * GUIDE_DEVIATION**2))
    return guide * ((n < 1)[:, None, :] & (t < 1)[:, :, None])
