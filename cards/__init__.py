"""What people see: one module per card, each a neutral `Card`, and the renderers of `Card`."""
