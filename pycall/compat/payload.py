"""What listeners and results hand over: a dictionary by documented keys that knows their other spellings."""

from __future__ import annotations

from typing import Any

_SAME = {
    "sponsor": "callerid",
    "groupid": "chatgroupid",
    "msg": "message",
    "useridlist": "calleeidlist",
    "mediatype": "callmediatype",
    "type": "callmediatype",
    "calltype": "callmediatype",
    "desc": "description",
    "resulttype": "result",
    "nickname": "nick",
}
"""Names of one thing in documents of different years and platforms."""


def folded(name: str) -> str:
    """One spelling for userID, userId and user_id, and for names that mean the same."""
    plain = name.replace("_", "").lower()
    return _SAME.get(plain, plain)


class Payload(dict[str, Any]):
    """`res["userID"]`, `res["userId"]`, `res.userId` and `res.user_id` all read the same value.

    Iterating gives the documented keys only. An exact key wins: `roomID` is a number, `roomId` an object.
    """

    def __missing__(self, name: str) -> Any:
        wanted = folded(name)
        for key, value in self.items():
            if folded(key) == wanted:
                return value
        raise KeyError(name)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here, only {', '.join(self)}") from None

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and folded(name) in map(folded, self))

    def get(self, name: str, default: Any = None) -> Any:
        """Like a dictionary's, with every spelling."""
        try:
            return self[name]
        except KeyError:
            return default
