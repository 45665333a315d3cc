"""What the tests of both trainers of the voice share."""

import pytest
import torch


@pytest.fixture
def goes_on_after_a_kill(tmp_path, kill_when):
    """Run a test module as a program, kill it once ``NAME.pt`` is there, and go on for two steps.

    The module, run with a folder, trains there until it is killed; ``train_a_little(folder, steps)`` is its training.
    """

    def check(module: str, name: str, save_every: int, train_a_little) -> None:
        state = tmp_path / f"{name}.pt"
        kill_when([module, str(tmp_path)], state.exists)
        saved = torch.load(state, weights_only=True)
        assert saved["step"] % save_every == 0
        train_a_little(tmp_path, steps=saved["step"] + 2)
        steps = [line.split("\t")[0] for line in (tmp_path / f"{name}.log").read_text().splitlines()]
        assert steps[-1] == str(saved["step"] + 2)
        resumed = torch.load(state, weights_only=True)
        # Adam's counter tells that all steps were taken, and none twice.
        assert {int(state["step"]) for state in resumed["optimizer"]["state"].values()} == {saved["step"] + 2}
        assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []

    return check
