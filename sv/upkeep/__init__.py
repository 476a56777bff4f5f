"""Looking over a data folder at rest: whether catalog, event files and log fit together, and making a lost catalog anew."""
