"""The version of this distribution; read here, because importlib.metadata would cost every start 36 ms."""

__version__ = "0.1.0"
