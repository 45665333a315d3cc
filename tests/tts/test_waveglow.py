import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bengali_feedback.tts.train_waveglow import SAVE_EVERY, SpectralLoss, segments, train_waveglow
from bengali_feedback.tts.waveglow import DELAY, GROUP, FrameRateWaveGlow, between_frames, from_nemo, to_nemo


@pytest.fixture
def network() -> FrameRateWaveGlow:
    torch.manual_seed(0)
    network = FrameRateWaveGlow(channels=8, layers=2, flows=6)
    for coupling in network.couplings:
        torch.nn.init.normal_(coupling.end.weight, std=0.1)  # a new flow is the identity: nothing to see
        torch.nn.init.normal_(coupling.end.bias, std=0.1)
    return network


def test_between_frames_is_linear_and_sampled_in_the_middle_of_steps():
    values = between_frames(torch.tensor([[[0.0, 16.0, 0.0]]]))[0, 0]
    assert values.shape == (32,)
    torch.testing.assert_close(values[:16], torch.arange(16) + 0.5)
    torch.testing.assert_close(values[16:], 15.5 - torch.arange(16))


def test_the_flow_is_invertible(network):
    mel, audio = torch.randn(2, 80, 6), torch.randn(2, 6 * 256)
    z, _ = network.latent(mel, audio)
    assert z.shape == (2, GROUP, 6 * 16)
    torch.testing.assert_close(network(mel, z), audio, atol=1e-4, rtol=1e-4)


def test_log_determinant_is_that_of_the_jacobian(network):
    mel, audio = torch.randn(1, 80, 1), torch.randn(1, 256)
    jacobian = torch.autograd.functional.jacobian(lambda x: network.latent(mel, x)[0].flatten(), audio)
    _, expected = torch.linalg.slogdet(jacobian.reshape(256, 256))
    torch.testing.assert_close(network.latent(mel, audio)[1], expected, atol=1e-2, rtol=1e-3)


def test_nemo_computes_the_same_waveform(network):
    from bengali_feedback.tts.models import waveglow

    model = waveglow(channels=8, layers=2, flows=6).eval()
    to_nemo(network, model.waveglow)
    mel, z = torch.randn(1, 80, 7), torch.randn(1, GROUP, 7 * 16)
    with torch.no_grad():
        theirs = model.waveglow.norm_dist_to_audio(spec=mel, z=z)
        torch.testing.assert_close(theirs, network(mel, z), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(from_nemo(model.waveglow)(mel, z), theirs, atol=1e-4, rtol=1e-3)


def test_the_network_survives_a_nemo_file(network, tmp_path):
    from bengali_feedback.tts.models import restore_waveglow, save_nemo, waveglow

    model = waveglow(channels=8, layers=2, flows=6).eval()
    to_nemo(network, model.waveglow)
    save_nemo(model, tmp_path / "waveglow.nemo")
    assert [path.name for path in tmp_path.iterdir()] == ["waveglow.nemo"]
    mel, z = torch.randn(1, 80, 70), torch.randn(1, GROUP, 70 * 16)
    with torch.no_grad():
        restored, original = restore_waveglow(tmp_path / "waveglow.nemo")(mel, z), network(mel, z)
    assert (restored - original).std() < 0.01 * original.std()  # half precision


def test_another_waveglow_is_refused(tmp_path):
    from bengali_feedback.errors import CheckpointError
    from bengali_feedback.tts.models import restore_waveglow, save_nemo, waveglow

    save_nemo(waveglow(channels=8, layers=2, flows=6), tmp_path / "waveglow.nemo")
    with pytest.raises(CheckpointError, match="was not trained with"):
        restore_waveglow(tmp_path / "waveglow.nemo")


def test_a_segment_of_audio_is_256_samples_earlier_than_its_mel():
    audio = np.arange(1, 100 * 256 + 1, dtype=np.float32)  # the sample's own number, from 1
    mel = np.tile(np.arange(101, dtype=np.float32), (80, 1))  # the frame's own number
    mels, audios = segments([(mel, audio)], 4, np.random.default_rng(0))
    for frames, samples in zip(mels[:, 0], audios, strict=True):
        heard = samples[samples > 0]
        assert heard[-1] == (frames[-1] - 1) * 256 + 256  # the last sample lies before the last frame's centre


def test_spectral_loss_is_zero_for_the_same_sound_and_larger_for_a_more_different_one():
    torch.manual_seed(0)
    loss, sound = SpectralLoss(), torch.sin(torch.arange(4096) * 0.1)[None] * 0.3
    near, far = loss(sound * 0.9, sound), loss(torch.randn(1, 4096) * 0.3, sound)
    assert loss(sound, sound) < 1e-6 < near < far


def test_training_lowers_the_loss_on_one_sound_and_resumes(tmp_path):
    from bengali_feedback.tts.audio import mel_spectrogram

    noise = 0.03 * np.random.default_rng(0).standard_normal(9000)
    audio = (0.3 * np.sin(2 * np.pi * 220 * np.arange(9000) / 16000) + noise).astype(np.float32)
    pairs = [(mel_spectrogram(audio), audio)]
    torch.manual_seed(0)
    small = {"batch_size": 2, "likelihood_steps": 10, "learning_rate": 1e-2, "quiet": True}
    train_waveglow(pairs, tmp_path, steps=12, total_steps=60, network=FrameRateWaveGlow(16, 2, 4), **small)
    assert torch.load(tmp_path / "waveglow.pt", weights_only=True)["step"] == 12
    mel, target = segments(pairs, 2, np.random.default_rng(1))
    noise = 0.3 * torch.randn(2, GROUP, mel.shape[2] * 16)
    loss = SpectralLoss()

    def score(network) -> float:
        with torch.no_grad():
            return loss(network(mel, noise)[:, DELAY:], target[:, DELAY:]).item()

    before = FrameRateWaveGlow(16, 2, 4)
    before.load_state_dict(torch.load(tmp_path / "waveglow.pt", weights_only=True)["network"])
    after = train_waveglow(pairs, tmp_path, steps=60, network=FrameRateWaveGlow(16, 2, 4), **small)
    assert torch.load(tmp_path / "waveglow.pt", weights_only=True)["step"] == 60
    assert score(after) < 0.7 * score(before)


def test_a_killed_training_goes_on_where_it_was_saved(goes_on_after_a_kill):
    goes_on_after_a_kill(__file__, "waveglow", SAVE_EVERY, train_a_little)


def train_a_little(run: Path, steps: int) -> FrameRateWaveGlow:
    from bengali_feedback.tts.audio import mel_spectrogram

    audio = (0.3 * np.sin(2 * np.pi * 220 * np.arange(9000) / 16000)).astype(np.float32)
    network = FrameRateWaveGlow(channels=8, layers=2, flows=4)
    return train_waveglow([(mel_spectrogram(audio), audio)], run, steps, batch_size=1, network=network, quiet=True)


if __name__ == "__main__":  # what test_a_killed_training_goes_on_where_it_was_saved kills
    train_a_little(Path(sys.argv[1]), steps=100_000)
