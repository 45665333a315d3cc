"""The two NeMo networks of the voice in compact configurations (seed 004 §5.3).

Importing this module loads torch and NeMo (about 10 s), silently and without a network.
"""

import gzip
import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")
logging.getLogger("nv_one_logger").setLevel(logging.CRITICAL)  # telemetry that is off, and says so at every import
warnings.filterwarnings("ignore", module=r"(nemo|lightning|torch|pydub|megatron|requests)")

from nemo.utils import logging as nemo_logging  # noqa: E402

nemo_logging.setLevel(logging.ERROR)  # before the rest of NeMo is imported, for that already warns

import torch  # noqa: E402
from nemo.collections.tts.models import Tacotron2Model, WaveGlowModel  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

from ..errors import CheckpointError  # noqa: E402
from .audio import F_MAX, F_MIN, FFT_LENGTH, HOP_LENGTH, LOG_FLOOR, N_MELS, SAMPLE_RATE  # noqa: E402
from .phonemize import SYMBOLS  # noqa: E402
from .waveglow import EARLY_EVERY, EARLY_SIZE, GROUP, FrameRateWaveGlow, from_nemo  # noqa: E402

FRAMES_PER_STEP = 2  # mel frames a decoder step, 32 ms: half the steps, and a firmer alignment
EMBEDDING = 256

_PREPROCESSOR = {  # the same analysis as audio.mel_spectrogram
    "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
    "sample_rate": SAMPLE_RATE,
    "features": N_MELS,
    "n_fft": FFT_LENGTH,
    "n_window_size": FFT_LENGTH,
    "n_window_stride": HOP_LENGTH,
    "window_size": False,
    "window_stride": False,
    "window": "hann",
    "lowfreq": F_MIN,
    "highfreq": F_MAX,
    "mag_power": 1.0,
    "normalize": None,
    "preemph": None,
    "dither": 0.0,
    "pad_to": 0,
    "pad_value": -11.52,
    "log": True,
    "log_zero_guard_type": "clamp",
    "log_zero_guard_value": LOG_FLOOR,
}


class CompactTacotron2(Tacotron2Model):
    """NeMo's ``Tacotron2Model`` with a text embedding as wide as its encoder; NeMo fixes it at 512."""

    def __init__(self, cfg, trainer=None):
        super().__init__(cfg, trainer=trainer)
        self.text_embedding = torch.nn.Embedding(self.num_tokens, self._cfg.encoder.encoder_embedding_dim)

    def encode(self, tokens: torch.Tensor, token_lengths: torch.Tensor) -> torch.Tensor:
        """Token ids [b, k] and lengths [b] → what the decoder attends to, [b, k, 256]."""
        return self.encoder(token_embedding=self.text_embedding(tokens).transpose(1, 2), token_len=token_lengths)

    def log_mel(self, decoded: torch.Tensor) -> torch.Tensor:
        """The decoder's result through the postnet, [b, 80, t] → natural-log mel spectrogram."""
        return self.postnet(mel_spec=decoded) * self._cfg.mel_deviation + self._cfg.mel_mean


def tacotron2(mel_mean: float, mel_deviation: float) -> CompactTacotron2:
    """A new Tacotron 2 (Shen et al. 2018, arXiv:1712.05884) of 7.3 M parameters.

    It works on mel spectrograms normalised by ``(log_mel - mel_mean) / mel_deviation``; both numbers travel in the
    configuration. Token ids are indices of ``phonemize.SYMBOLS``.
    """
    configuration = {
        "labels": list(SYMBOLS),
        "mel_mean": mel_mean,
        "mel_deviation": mel_deviation,
        "preprocessor": _PREPROCESSOR,
        "encoder": {
            "_target_": "nemo.collections.tts.modules.tacotron2.Encoder",
            "encoder_n_convolutions": 3,
            "encoder_embedding_dim": EMBEDDING,
            "encoder_kernel_size": 5,
        },
        "decoder": {
            "_target_": "nemo.collections.tts.modules.tacotron2.Decoder",
            "n_mel_channels": N_MELS,
            "n_frames_per_step": FRAMES_PER_STEP,
            "encoder_embedding_dim": EMBEDDING,
            "attention_dim": 128,
            "attention_location_n_filters": 32,
            "attention_location_kernel_size": 31,
            "attention_rnn_dim": 512,
            "decoder_rnn_dim": 512,
            "prenet_dim": 128,
            "max_decoder_steps": 600,  # 19 s
            "gate_threshold": 0.5,
            "p_attention_dropout": 0.1,
            "p_decoder_dropout": 0.1,
            "prenet_p_dropout": 0.5,
            "early_stopping": True,
        },
        "postnet": {
            "_target_": "nemo.collections.tts.modules.tacotron2.Postnet",
            "n_mel_channels": N_MELS,
            "postnet_embedding_dim": 256,
            "postnet_kernel_size": 5,
            "postnet_n_convolutions": 5,
            "p_dropout": 0.1,
        },
    }
    return CompactTacotron2(OmegaConf.create(configuration))


def waveglow(channels: int = 64, layers: int = 6, flows: int = 12) -> WaveGlowModel:
    """A new WaveGlow (Prenger et al. 2018, arXiv:1811.00002): 16 samples a group, 12 flows of 64 channels."""
    configuration = {
        "sigma": 1.0,
        "preprocessor": _PREPROCESSOR,
        "waveglow": {
            "_target_": "nemo.collections.tts.modules.waveglow.WaveGlowModule",
            "n_mel_channels": N_MELS,
            "n_flows": flows,
            "n_group": GROUP,
            "n_early_every": EARLY_EVERY,
            "n_early_size": EARLY_SIZE,
            "n_wn_channels": channels,
            "n_wn_layers": layers,
            "wn_kernel_size": 3,
        },
    }
    return WaveGlowModel(OmegaConf.create(configuration))


def save_nemo(model, path) -> None:
    """Save a model as a gzipped ``.nemo`` in half precision: NeMo reads both, and the score does not change."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.half()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = Path(folder) / "plain.nemo"
        model.save_to(str(plain))
        packed = Path(folder) / "packed.nemo"
        with open(plain, "rb") as source, gzip.GzipFile(packed, "wb", compresslevel=9, mtime=0) as target:
            shutil.copyfileobj(source, target)
        packed.replace(path)
    model.float()


def restore_tacotron2(path) -> CompactTacotron2:
    """Read ``tacotron2.nemo``; raises CheckpointError when it is unreadable or was trained on other tokens."""
    model = _restore(CompactTacotron2, path)
    if list(model._cfg.labels) != list(SYMBOLS):
        raise CheckpointError(f"{path} was trained with another phoneme inventory: train it again.")
    return model


def restore_waveglow(path) -> FrameRateWaveGlow:
    """Read ``waveglow.nemo`` and fold its conditioning to frame rate, which computes the same five times faster.

    Raises CheckpointError when it is unreadable or not of the kind that `train tts` writes.
    """
    try:
        return from_nemo(_restore(WaveGlowModel, path).waveglow)
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"{path} was not trained with `bengali-feedback train tts`: {error}.") from None


def _restore(kind, path):
    try:
        return kind.restore_from(str(path), map_location=torch.device("cpu")).float()
    except Exception as error:  # NeMo lets tarfile, yaml, pickle and torch errors through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"cannot read {path} ({reason}): restore it or train it again.") from None
