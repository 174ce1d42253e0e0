"""What a criterion compiles to, one module per target."""
