"""Certificate stores: directories, the stores of Windows and macOS, and PKCS#11 tokens."""
