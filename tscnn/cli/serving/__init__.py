"""The HTTP service: bodies are read, models forecast and follow rows, and an ASGI application answers."""
