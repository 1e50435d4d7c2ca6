#!/usr/bin/env python3
"""Checks the golden vectors of the sharding rule, version 1.

An implementation of docs/sharding-rule.md that was written from that page alone. It shares nothing with the library, so
that a mistake in one of the two, or a gap in the page, shows as a difference.

Usage: check_vectors.py [vectors.json]
"""

import json
import re
import struct
import sys
from pathlib import Path

MASK32 = (1 << 32) - 1
MASK64 = (1 << 64) - 1

PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2, PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
PRIME64_4, PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

SECRET = bytes.fromhex("""
    b8fe6c3923a44bbe7c01812cf721ad1c ded46de9839097db7240a4a4b7b3671f
    cb79e64eccc0e578825ad07dccff7221 b8084674f743248ee03590e6813a264c
    3c2852bb91c300cb88d0658b1b532ea3 71644897a20df94e3819ef46a9deacd8
    a8fa763fe39c343ff9dcbbc7c70b4f1d 8a51e04bcdb45931c89f7ec9d9787364
    eac5ac8334d3ebc3c581a0fffa1363eb 170ddd51b7f0da49d316552629d4689e
    2b16be587d47a1fc8ff8b8d17ad031ce 45cb3a8f95160428afd7fbcabb4b407e
""")

STRIPE = 64
STRIPES_PER_BLOCK = 16
BLOCK = STRIPE * STRIPES_PER_BLOCK

SHARD = re.compile(r"([A-Za-z0-9._:\[\]-]{1,64})(?:\*([0-9]+))?")
MAX_WEIGHT = 64
RESERVED_PREFIX = b"__shardedcache:"


def read32(data, offset):
    return int.from_bytes(data[offset:offset + 4], "little")


def read64(data, offset):
    return int.from_bytes(data[offset:offset + 8], "little")


def secret_pair(offset):
    return read64(SECRET, offset) ^ read64(SECRET, offset + 8)


def rotate_left(x, bits):
    return (x << bits | x >> (64 - bits)) & MASK64


def swap_bytes(x):
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def fold(a, b):
    product = a * b
    return (product & MASK64) ^ (product >> 64)


def avalanche(x):
    x &= MASK64
    x ^= x >> 37
    x = x * PRIME_MX1 & MASK64
    return x ^ x >> 32


def avalanche_xxh64(x):
    x ^= x >> 33
    x = x * PRIME64_2 & MASK64
    x ^= x >> 29
    x = x * PRIME64_3 & MASK64
    return x ^ x >> 32


def mix16(data, offset, secret_offset):
    return fold(read64(data, offset) ^ read64(SECRET, secret_offset),
                read64(data, offset + 8) ^ read64(SECRET, secret_offset + 8))


def hash_small(data):
    length = len(data)
    if length == 0:
        return avalanche_xxh64(secret_pair(56))
    if length <= 3:
        combined = data[-1] | length << 8 | data[0] << 16 | data[length >> 1] << 24
        return avalanche_xxh64(read32(SECRET, 0) ^ read32(SECRET, 4) ^ combined)
    if length <= 8:
        x = secret_pair(8) ^ (read32(data, length - 4) | read32(data, 0) << 32)
        x ^= rotate_left(x, 49) ^ rotate_left(x, 24)
        x = x * PRIME_MX2 & MASK64
        x ^= (x >> 35) + length
        x = x * PRIME_MX2 & MASK64
        return x ^ x >> 28
    low = secret_pair(24) ^ read64(data, 0)
    high = secret_pair(40) ^ read64(data, length - 8)
    return avalanche(length + swap_bytes(low) + high + fold(low, high))


def hash_medium(data):
    length = len(data)
    acc = length * PRIME64_1
    if length <= 128:
        for i in range((length - 1) // 32 + 1):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, length - 16 * i - 16, 32 * i + 16)
        return avalanche(acc)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i)
    acc = avalanche(acc)
    for i in range(8, length // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3)
    return avalanche(acc + mix16(data, length - 16, 119))


def accumulate(acc, data, offset, secret_offset):
    lanes = struct.unpack_from("<8Q", data, offset)
    keys = struct.unpack_from("<8Q", SECRET, secret_offset)
    for i, (lane, key) in enumerate(zip(lanes, keys)):
        keyed = lane ^ key
        acc[i ^ 1] += lane
        acc[i] += (keyed & MASK32) * (keyed >> 32)


def scramble(acc):
    for i in range(8):
        x = acc[i] & MASK64
        acc[i] = (x ^ x >> 47 ^ read64(SECRET, 128 + 8 * i)) * PRIME32_1 & MASK64


def hash_large(data):
    length = len(data)
    acc = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    blocks = (length - 1) // BLOCK
    for block in range(blocks):
        for n in range(STRIPES_PER_BLOCK):
            accumulate(acc, data, BLOCK * block + STRIPE * n, 8 * n)
        scramble(acc)
    rest = length - BLOCK * blocks
    for n in range((rest - 1) // STRIPE):
        accumulate(acc, data, BLOCK * blocks + STRIPE * n, 8 * n)
    accumulate(acc, data, length - STRIPE, 121)

    x = length * PRIME64_1
    for i in range(4):
        x += fold((acc[2 * i] & MASK64) ^ read64(SECRET, 11 + 16 * i),
                  (acc[2 * i + 1] & MASK64) ^ read64(SECRET, 19 + 16 * i))
    return avalanche(x)


def xxh3_64(data):
    if len(data) <= 16:
        return hash_small(data)
    return hash_medium(data) if len(data) <= 240 else hash_large(data)


def mix(z):
    z = z * 0xBF58476D1CE4E5B9 & MASK64
    z ^= z >> 32
    return z * 0x94D049BB133111EB & MASK64


def key_bytes(key):
    data = key.encode("utf-8")  # Strict: refuses half of a surrogate pair.
    if data.startswith(RESERVED_PREFIX):
        raise ValueError(f"reserved key {key!a}")
    return data


def routed_bytes(key):
    opening = key.find(b"{")
    closing = key.find(b"}", opening + 1) if opening >= 0 else -1
    return key[opening + 1:closing] if closing > opening + 1 else key


def candidates(shards):
    """Maps each candidate's name to its shard's."""
    weights = {}
    for shard in shards:
        match = SHARD.fullmatch(shard)
        if match is None or not 1 <= int(match[2] or 1) <= MAX_WEIGHT or match[1] in weights:
            raise ValueError(f"invalid or repeated shard {shard!a}")
        weights[match[1]] = int(match[2] or 1)
    return {f"{name}#{n}" if n > 1 else name: name for name, weight in weights.items() for n in range(1, weight + 1)}


def route(shards, key):
    key_hash = xxh3_64(routed_bytes(key_bytes(key)))
    owners = candidates(shards)
    scores = {candidate: mix(key_hash ^ xxh3_64(candidate.encode())) for candidate in owners}
    winner = min(scores, key=lambda candidate: (-scores[candidate], candidate.encode()))
    return {"hash": key_hash, "candidate": winner, "score": scores[winner], "shard": owners[winner]}


def differences(title, expected, actual):
    for field, value in actual.items():
        shown = f"0x{value:016x}" if isinstance(value, int) else value
        if expected[field] != shown:
            yield f"{title}: {field} is {shown}, the vector has {expected[field]}"


def check(vectors):
    for item in vectors["names"]:
        yield from differences(f"name {item['name']}", item, {"hash": xxh3_64(item["name"].encode())})
    for item in vectors["mix"]:
        yield from differences(f"mix {item['in']}", item, {"out": mix(int(item["in"], 16))})
    for item in vectors["routes"]:
        repeat = item.get("repeat", 1)
        title = f"key {item['key']!a} * {repeat} on {len(item['shards'])} shards"
        yield from differences(title, item, route(item["shards"], item["key"] * repeat))


def main():
    beside = Path(__file__).resolve().parent.parent / "vectors" / "sharding-rule-v1.json"
    vectors = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else beside).read_text(encoding="utf-8"))
    if vectors["rule"] != 1:
        sys.exit(f"These are vectors of rule {vectors['rule']}, not of rule 1.")
    found = list(check(vectors))
    if found:
        sys.exit("\n".join(found))
    counts = {section: len(vectors[section]) for section in ("names", "mix", "routes")}
    parts = ", ".join(f"{count} {section}" for section, count in counts.items())
    print(f"{sum(counts.values())} vectors reproduced ({parts})")


if __name__ == "__main__":
    main()
