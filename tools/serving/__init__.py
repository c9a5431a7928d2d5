"""`densefit serve`: prediction over HTTP, in batches that change no bit of an answer."""
