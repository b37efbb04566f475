"""The names: collections and aliases, in memory and in the data folder.

`<data>/lock` keeps a second server out, `aliases.json` holds the aliases, `collections/<random>/` one
collection each: a name may hold characters that a file system refuses.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.configuration import check_collection_name, complete_configuration
from vectorwatch.demo.engine.durable_json import read_json, write_json
from vectorwatch.demo.engine.errors import AlreadyExists, BadBody, NotFound
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.errors import VectorwatchError


class Catalogue:
    """Opens every collection in the data folder; `close` it before another process may use the folder."""

    def __init__(self, data: Path) -> None:
        self._collections_folder = data / "collections"
        self._aliases_file = data / "aliases.json"
        try:
            self._collections_folder.mkdir(parents=True, exist_ok=True)
            self._lock_file = (data / "lock").open("w")
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VectorwatchError(
                f"engine: another server uses `{data}`; stop it or pass another --data"
            ) from error
        except OSError as error:
            raise VectorwatchError(f"engine: cannot use `{data}` as data folder: {error.strerror}") from error
        loaded = (Collection.load(folder) for folder in sorted(self._collections_folder.iterdir()))
        self._collections = {one.name: one for one in loaded if one is not None}
        self._aliases: dict[str, str] = read_json(self._aliases_file) if self._aliases_file.exists() else {}
        self._lock = RLock()

    def list_collections(self) -> list[Collection]:
        """Return all collections, by name."""
        with self._lock:
            return [self._collections[name] for name in sorted(self._collections)]

    def list_aliases(self, collection: str | None = None) -> list[dict[str, str]]:
        """Return all aliases, or those of one collection."""
        with self._lock:
            return [
                {"alias_name": alias, "collection_name": name}
                for alias, name in sorted(self._aliases.items())
                if collection in (None, name)
            ]

    def find(self, name: str) -> Collection:
        """Return the collection with this name or alias. Raises NotFound."""
        with self._lock:
            found = self._collections.get(self._aliases.get(name, name))
        if found is None:
            raise NotFound(f"Collection `{name}` doesn't exist!")
        return found

    def contains(self, name: str) -> bool:
        """Return whether a collection or alias has this name."""
        with self._lock:
            return name in self._collections or name in self._aliases

    def create(self, name: str, body: Fields) -> None:
        """Create a collection. Raises AlreadyExists, BadBody, BadValue and WrongInput."""
        check_collection_name(name)
        configuration = complete_configuration(body)
        with self._lock:
            if name in self._collections:
                raise AlreadyExists(f"Collection `{name}` already exists!")
            if name in self._aliases:
                raise AlreadyExists(f"Alias with the name `{name}` already exists!")
            folder = self._collections_folder / uuid4().hex
            self._collections[name] = Collection.create(folder, name, configuration)

    def drop(self, name: str) -> bool:
        """Delete a collection, its data and its aliases; return whether there was one."""
        with self._lock:
            dropped = self._collections.pop(name, None)
            if dropped is None:
                return False
            self._save_aliases({alias: target for alias, target in self._aliases.items() if target != name})
        dropped.close(remove=True)
        return True

    def change_aliases(self, actions: list[Any]) -> None:
        """Apply alias actions, all or none. Raises AlreadyExists, BadBody and NotFound."""
        with self._lock:
            changed = dict(self._aliases)
            for action in actions:
                self._apply(changed, Fields(action, "action"))
            self._save_aliases(changed)

    def close(self) -> None:
        """Flush and close every collection and let go of the folder."""
        for collection in self.list_collections():
            collection.close()
        self._lock_file.close()

    def _apply(self, aliases: dict[str, str], action: Fields) -> None:
        if create := action.fields("create_alias"):
            name, target = _read_names(create, "alias_name", "collection_name")
            self._refuse_bad_alias(name, target)
            aliases[name] = target
        elif delete := action.fields("delete_alias"):
            aliases.pop(_read_names(delete, "alias_name")[0], None)
        elif rename := action.fields("rename_alias"):
            old, new = _read_names(rename, "old_alias_name", "new_alias_name")
            if old not in aliases:
                raise NotFound(f"Alias {old} does not exists!")
            self._refuse_bad_alias(new, aliases[old])
            aliases[new] = aliases.pop(old)
        else:
            raise BadBody("an action is one of create_alias, delete_alias, rename_alias")

    def _refuse_bad_alias(self, name: str, target: str) -> None:
        if target not in self._collections:
            raise NotFound(f"Collection `{target}` doesn't exist!")
        if name in self._collections:
            raise AlreadyExists(f"Collection `{name}` already exists!")
        check_collection_name(name)

    def _save_aliases(self, aliases: dict[str, str]) -> None:
        if aliases != self._aliases:
            write_json(self._aliases_file, aliases)
            self._aliases = aliases


def _read_names(fields: Fields, *names: str) -> list[str]:
    return [require(fields.text(name), name) for name in names]
