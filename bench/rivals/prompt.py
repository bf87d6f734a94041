"""The prompt of every rival, so that their answers can be compared, too."""


def prompt_ids(length):
    """BOS, then pseudo-random ordinary tokens; `promptIds(1, length)` of test/phi3v/graphs.ts."""
    ids, state = [1], 1
    while len(ids) < length:
        state = (state * 1664525 + 1013904223) % 2 ** 32
        ids.append(3 + (state >> 16) % 880)
    return ids
