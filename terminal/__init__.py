"""What every command needs of its terminal: which stack is meant, errors in one line, signals, times, progress."""
