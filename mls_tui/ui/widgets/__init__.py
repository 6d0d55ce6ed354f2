"""What the screens are made of. Widgets draw and post messages; they do no I/O."""
