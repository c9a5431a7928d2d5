"""Compare the engines and formats that compute one network."""
