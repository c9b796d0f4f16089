"""slalom races PyTorch optimizers downhill. The public names are imported when first used."""

__version__ = "0.1.0"
