"""The certificate stores of the operating systems, and PKCS#11 tokens."""
