"""What the project is measured against: programs somebody would write, or could use, instead."""
