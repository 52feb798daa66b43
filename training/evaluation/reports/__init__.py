"""What a training and a judge say of themselves: tables, pictures, the model card."""
