"""Puts the trained networks and the corpus into wheels; an editable install reads them from the source tree."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict) -> None:
        if version == "standard":
            for folder in ("checkpoints", "corpus"):
                build_data["force_include"][folder] = f"bengali_feedback/share/{folder}"
