"""What operators do, and what nobody may do, on a running stack."""
