"""Facial emotion recognition: photo → faces → seven emotion probabilities."""
