"""Reports (JSON and Markdown) and pictures of what the networks do."""
