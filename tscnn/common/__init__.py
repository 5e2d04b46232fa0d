"""What every room needs: argument checks, threads, ring buffers."""
