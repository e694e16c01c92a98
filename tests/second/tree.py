"""The tree, proofs (FORMATS 6.1 to 6.3), tiles and entry bundles (6.9, 6.10)."""
import re

from base import need, sha256


def leaf(entry):
    return sha256(b"\0", entry)


def node(left, right):
    return sha256(b"\1", left, right)


def split(n):
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    while len(hashes) > 1:  # levels; an odd last one moves up as it is
        pairs = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = pairs + ([hashes[-1]] if len(hashes) % 2 else [])
    return hashes[0]


def inclusion_path(i, hashes):
    """RFC 6962 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if i < k:
        return inclusion_path(i, hashes[:k]) + [root(hashes[k:])]
    return inclusion_path(i - k, hashes[k:]) + [root(hashes[:k])]


def check_inclusion(i, n, leaf_hash, path, expected):
    """6.2."""
    need(n != 0, "proof_size_zero")
    need(i < n, "proof_index_outside_tree")
    below = (i ^ (n - 1)).bit_length()
    need(len(path) == below + bin(i >> below).count("1"), "proof_path_length")
    found = leaf_hash
    for k, sibling in enumerate(path):
        right = k < below and not i >> k & 1
        found = node(found, sibling) if right else node(sibling, found)
    need(found == expected, "proof_root_mismatch")


def consistency_path(m, hashes, whole=True):
    """RFC 6962 2.1.2."""
    n = len(hashes)
    if m == n:
        return [] if whole else [root(hashes)]
    k = split(n)
    if m <= k:
        return consistency_path(m, hashes[:k], whole) + [root(hashes[k:])]
    return consistency_path(m - k, hashes[k:], False) + [root(hashes[:k])]


def check_consistency(m, n, old, new, path):
    """6.3, as RFC 9162 2.1.4.2."""
    need(m != 0, "proof_size_zero")
    need(m <= n, "proof_sizes_reversed")
    if m == n:
        need(not path, "proof_path_length")
        need(old == new, "proof_new_root_mismatch")
        return
    path = list(path)
    if m & (m - 1) == 0:
        path.insert(0, old)
    need(len(path) > 0, "proof_path_length")
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for sibling in path[1:]:
        need(sn != 0, "proof_path_length")
        if fn & 1 or fn == sn:
            fr, sr = node(sibling, fr), node(sibling, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, sibling)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "proof_path_length")
    need(fr == old, "proof_old_root_mismatch")
    need(sr == new, "proof_new_root_mismatch")


def tile_path(level, index, width=256):
    """tile/L/N[.p/W]; level may be `entries`."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/" + "/".join(groups) + (f".p/{width}" if width != 256 else "")


def read_tile_path(path):
    """(level or `entries`, index, width) of a path without `tile/`; no other spelling is a path."""
    match = re.fullmatch(r"(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", path)
    need(match and len(path) < 100, "tile_path_invalid")
    level = match[1] if match[1] == "entries" else int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else 256
    need(level == "entries" or level < 64, "tile_path_invalid")
    need(not match[3] or 1 <= width <= 255, "tile_path_invalid")
    need(tile_path(level, index, width) == "tile/" + path, "tile_path_invalid")
    return level, index, width


def tile_widths(size):
    """[(level, index, width)] of every hash tile of a tree of this size."""
    tiles, level = [], 0
    while size:
        tiles += [(level, index, min(256, size - 256 * index)) for index in range((size + 255) // 256)]
        size, level = size // 256, level + 1
    return tiles


def read_bundle(data, count):
    """The entries of an entry bundle (6.10)."""
    entries, at = [], 0
    for _ in range(count):
        need(at + 2 <= len(data), "bundle_truncated")
        length = int.from_bytes(data[at:at + 2], "big")
        need(at + 2 + length <= len(data), "bundle_truncated")
        entries.append(data[at + 2:at + 2 + length])
        at += 2 + length
    need(at == len(data), "bundle_trailing")
    return entries


def read_tile(data, width):
    need(len(data) == 32 * width, "tile_length")
    return [data[i:i + 32] for i in range(0, len(data), 32)]
