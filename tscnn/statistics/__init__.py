"""Is a gain more than chance, and how far should an estimate be shrunk."""
