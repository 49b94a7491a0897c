"""The delayed copy of the directory."""

from __future__ import annotations

from entrakit_emulator.state.replica import Replica
from entrakit_emulator.state.store import Store


def test_a_replica_shows_each_write_later() -> None:
    """
    The replica shows the directory at a time, with writes and deletions applied in order.
    """
    now = [0.0]
    store = Store(lambda _kind, _doc: "{}")
    store.put("t", "group", {"id": "old"}, 0.0)
    replica = Replica(store, lambda: now[0])
    now[0] = 5.0
    store.put("t", "group", {"id": "new"}, 5.0)
    now[0] = 9.0
    old = store.find("t", "old", ("group",))
    assert old is not None
    store.delete(old, 9.0, for_good=True)

    def ids(horizon: float) -> list[object]:
        return [row[0] for row in replica.advance(horizon).select("id", "kind='group'", (), "ORDER BY key")]

    assert (["old"], ["old", "new"], ["new"]) == (ids(4.0), ids(5.0), ids(9.0))
    replica.close()
    store.close()
