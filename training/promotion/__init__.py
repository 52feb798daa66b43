"""Which version serves, and whether a challenger may."""
