"""A copy of the directory that receives each write some time later."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from entrakit_emulator.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

# Tables that lists read, and the column of the key.
TABLES = {"objects": 0, "links": 4}


class Replica:
    """A copy of the directory that receives each write later.

    Args:
        original: The directory.
        now: Returns the tenant's time.

    Attributes:
        store: The copy.
    """

    def __init__(self, original: Store, now: Callable[[], float]) -> None:
        self.store = Store(original.render)
        self.store.load(original.dump())
        self._original = original
        self._now = now
        # Time, table, whether the row was deleted, and the row.
        self._pending: deque[tuple[float, str, bool, tuple[object, ...]]] = deque()
        connection = original.connection
        connection.create_function("wrote", -1, self._wrote)
        for table in TABLES:
            columns = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
            for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                values = ", ".join(f"{row}.{name}" for name in columns)
                connection.execute(
                    f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} "
                    f"BEGIN SELECT wrote('{table}', '{event}', {values}); END"
                )

    def advance(self, horizon: float) -> Store:
        """Apply all writes until a time, and return the copy."""
        if self._pending and self._pending[0][0] <= horizon:
            with self.store.connection as connection:
                connection.execute("BEGIN")
                while self._pending and self._pending[0][0] <= horizon:
                    _, table, is_gone, row = self._pending.popleft()
                    if is_gone:
                        connection.execute(
                            f"DELETE FROM {table} WHERE key=?",  # noqa: S608 - one of TABLES
                            (row[TABLES[table]],),
                        )
                    else:
                        marks = ",".join("?" * len(row))
                        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)  # noqa: S608 - one of TABLES
            self.store.version += 1
        return self.store

    def close(self) -> None:
        """Stop receiving writes."""
        for table in TABLES:
            for event in ("INSERT", "UPDATE", "DELETE"):
                self._original.connection.execute(f"DROP TRIGGER IF EXISTS temp.{table}_{event}")
        self.store.close()

    def _wrote(self, table: str, event: str, *row: object) -> None:
        self._pending.append((self._now(), table, event == "DELETE", row))
