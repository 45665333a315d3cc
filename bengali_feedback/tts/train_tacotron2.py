"""Training Tacotron 2 on pairs of phonemes and mel spectrograms, with supervised attention; resumable."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss
from tqdm import tqdm

from ..files import replacing
from ..processor import computes_bfloat16
from .audio import HOP_LENGTH, N_MELS, SAMPLE_RATE
from .models import FRAMES_PER_STEP, CompactTacotron2

SAVE_EVERY = 50  # steps
WARM_UP = 200  # steps
DIAGONAL_DEVIATION = 0.15  # width of the window along the diagonal, share of the sentence
TOKEN_DEVIATION = 0.5  # width of the window about the token that is being spoken, tokens
FRAME_DROPOUT = 0.5  # share of decoder steps whose previous frames are withheld in training
GATE_POSITIVE_WEIGHT = 5.0  # one step in fifty is the last
BUCKET = 16  # batches drawn together and sorted by length, so that little padding is computed


@dataclass(frozen=True)
class Example:
    """One sentence."""

    tokens: np.ndarray
    """int64 [k], indices of ``SYMBOLS``."""
    mel: np.ndarray
    """float32 [80, t], natural log, not normalised."""
    starts: np.ndarray | None = None
    """When each token starts, float [k] in seconds; None where nobody knows."""


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
    cross-entropy of the stop gate, and the negative logarithm of the attention inside a window
    (:func:`attention_window`). A window along the diagonal alone (Tachibana et al. 2018, arXiv:1710.08969 §4.1) is
    no substitute for known starts: on even speech the attention then becomes a clock that ignores the phonemes, and
    free running speech is a blur although every alignment looks perfect.

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
    bfloat16, started, losses = computes_bfloat16(), time.monotonic(), []
    progress = tqdm(range(first, steps), initial=first, total=steps, desc="Tacotron 2", disable=quiet, mininterval=10)
    for step in progress:
        torch.manual_seed(seed + step)  # dropout does not depend on how often training resumed
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min((step + 1) / WARM_UP, 1.0 - 0.95 * step / steps)
        batch = [examples[i] for i in batch_indices(examples, batch_size, step, seed)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):  # half the time of float32
            parts = losses_of(model, *collate(batch, mean, deviation))
        loss = sum(parts)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)):
            optimizer.step()
        losses.append([part.item() for part in parts])
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            with replacing(state) as temporary:
                torch.save(saved, temporary)
            mel, gate, attention = np.mean(losses, axis=0)
            with open(run / "tacotron2.log", "a", encoding="utf-8") as log:
                log.write(f"{step + 1}\t{mel:.4f}\t{gate:.4f}\t{attention:.4f}\t{time.monotonic() - started:.0f}\n")
            progress.set_postfix(mel=f"{mel:.3f}", attention=f"{attention:.3f}")
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
    """Pad a batch.

    Returns tokens [b, k], token lengths [b], normalised mel [b, 80, t] (t a multiple of 2), mel lengths [b] and
    attention windows [b, t / 2, k].
    """
    token_lengths = torch.tensor([len(example.tokens) for example in batch])
    mel_lengths = torch.tensor([example.mel.shape[1] for example in batch])
    frames = -(-int(mel_lengths.max()) // FRAMES_PER_STEP) * FRAMES_PER_STEP
    tokens = torch.zeros(len(batch), int(token_lengths.max()), dtype=torch.long)
    # NeMo's decoder calls .view on the mel's transpose: it must lie contiguous in time-major order
    mel = torch.zeros(len(batch), frames, N_MELS).transpose(1, 2)
    window = torch.zeros(len(batch), frames // FRAMES_PER_STEP, tokens.shape[1])
    for row, example in enumerate(batch):
        tokens[row, : len(example.tokens)] = torch.from_numpy(example.tokens)
        mel[row, :, : example.mel.shape[1]] = torch.from_numpy((example.mel - mean) / deviation)
        mine = attention_window(example)
        window[row, : mine.shape[0], : mine.shape[1]] = torch.from_numpy(mine)
    return tokens, token_lengths, mel, mel_lengths, window


def attention_window(example: Example) -> np.ndarray:
    """Where attention should be, float32 [steps, tokens], 1 at the best token of each decoder step.

    With known starts a narrow window about the token that is being spoken; otherwise a wide one on the diagonal.
    """
    steps = -(-example.mel.shape[1] // FRAMES_PER_STEP)
    tokens = np.arange(len(example.tokens))
    if example.starts is None:
        centre = np.arange(steps) * len(tokens) / steps
        deviation = DIAGONAL_DEVIATION * len(tokens)
    else:
        middle = (np.arange(steps) + 0.5) * FRAMES_PER_STEP * HOP_LENGTH / SAMPLE_RATE  # of each step, seconds
        centre = np.maximum(np.searchsorted(example.starts, middle, side="right") - 1, 0)
        deviation = TOKEN_DEVIATION
    return np.exp(-((tokens - centre[:, None]) ** 2) / (2 * deviation**2)).astype(np.float32)


def losses_of(model, tokens, token_lengths, mel, mel_lengths, window) -> tuple[torch.Tensor, ...]:
    """Mel, gate and attention loss of one batch, each a scalar; arguments as :func:`collate` returns."""
    memory = model.encode(tokens, token_lengths)
    # Decoder steps that are told nothing of the past must look at the phonemes (Liu et al. 2019, arXiv:1909.01145 §3)
    told = torch.rand(mel.shape[0], mel.shape[2] // FRAMES_PER_STEP) > FRAME_DROPOUT
    heard = (mel.transpose(1, 2) * told.repeat_interleave(FRAMES_PER_STEP, dim=1)[..., None]).transpose(1, 2)
    before, gate, alignment = model.decoder(memory=memory, decoder_inputs=heard, memory_lengths=token_lengths)
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

    spoken = steps < step_lengths[:, None]
    attention_loss = -torch.log((alignment * window).sum(dim=2)[spoken] + 1e-4).mean()
    return mel_loss, gate_loss, attention_loss


def teacher_forced_mel(model, tokens, token_lengths, mel, mel_lengths, window) -> torch.Tensor:
    """The model's natural-log mel [b, 80, t] under the recordings' timing; arguments as :func:`collate` returns."""
    memory = model.encode(tokens, token_lengths)
    before, _, _ = model.decoder.train_forward(memory=memory, decoder_inputs=mel, memory_lengths=token_lengths)
    return model.log_mel(before)
