"""Token buckets."""

from __future__ import annotations

from entrakit_emulator.state.bucket import Bucket


def test_a_bucket_does_not_mind_a_clock_that_is_set_back() -> None:
    """
    A clock that is set back neither fills nor empties a bucket.
    """
    bucket = Bucket(10, 10.0, 10, 100.0)
    bucket.take(10)

    assert (1.0, 1.0, 0.0) == (bucket.wait_for(1, 100.0), bucket.wait_for(1, 50.0), bucket.wait_for(1, 51.0))
