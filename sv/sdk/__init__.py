"""What runs in somebody else's process: the pytest plugin and what its fixture offers. Imports nothing of the server, which it starts."""
