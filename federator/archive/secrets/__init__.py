"""Secrets by reference: the operating system's store, an environment variable or a protected file.

In: a `SecretReference`. Out: the secret, or an error that never quotes it. It knows nothing of HTTP or of what a secret
opens.
"""
