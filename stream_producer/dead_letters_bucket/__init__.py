"""What the dead-letters bucket holds, and how it goes back onto the input stream."""
