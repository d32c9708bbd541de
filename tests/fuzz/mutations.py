"""Changes that keep an input readable: single values of a tree, chunks of a PNG with their sums."""

import random
import struct
import zlib
from typing import Any

__all__ = ["change_tree", "mend_png"]

ODD = (
    *(None, True, False, "", "x", [], {}, [[]], [0], {"": 0}),
    *(0, 1, -1, 2, 255, 2**16, 2**31, 2**63, -(2**63), 10**30),
    *(0.0, 0.1, 0.5, -0.5, 1e-320, 1e30, 1e308, -1e308, float("inf"), float("nan")),
)
"""Values that a file should not hold where another one stood."""


def change_tree(tree: Any, rng: random.Random) -> Any:
    """Return a tree of dicts and lists with one place changed; the old one stays as it is."""
    if isinstance(tree, dict) and tree and rng.random() < 0.85:
        key = rng.choice(sorted(tree, key=str))
        if (chance := rng.random()) < 0.05:
            return {name: value for name, value in tree.items() if name != key}
        if chance < 0.1:
            return tree | {f"{key}x": tree[key]}
        return tree | {key: change_tree(tree[key], rng)}
    if isinstance(tree, list) and tree and rng.random() < 0.85:
        place = rng.randrange(len(tree))
        if (chance := rng.random()) < 0.1:
            return tree[:place] + tree[place + 1 :]
        if chance < 0.2:
            return [*tree, tree[place]]
        return [*tree[:place], change_tree(tree[place], rng), *tree[place + 1 :]]
    if isinstance(tree, int | float) and not isinstance(tree, bool) and rng.random() < 0.4:
        return rng.choice([tree + 1, tree - 1, 2 * tree, -tree, tree / 2, float(tree)])
    return rng.choice(ODD)


def mend_png(data: bytes) -> bytes:
    """Return a PNG whose chunks have the right checksums, so that a reader looks at the rest."""
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(data):
            break
        body = data[place + 4 : end]
        parts += [data[place : place + 4], body, struct.pack(">I", zlib.crc32(body))]
        place = end + 4
    return b"".join([*parts, data[place:]])
