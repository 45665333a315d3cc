"""Text to speech: Bengali text → spoken words → phonemes → mel spectrogram → waveform."""
