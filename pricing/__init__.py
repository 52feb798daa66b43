"""The core of the pricing service: listings in, prices out. It talks to nobody."""
