"""Drawn pictures for the language stages, kept in memory and slowly replaced."""
import numpy as np
import torch

import preprocess
import tasks
import world
from model import merge_patches
from train_vision import to_pixels

GROUP = 4  # neighbours: a picture, then the same one drawn anew or with one attribute changed


@torch.no_grad()
def encode(encoder, views):
    """[B, 336, 336, 3] 8-bit -> merged patches [B, 12, 12, 4C]."""
    return merge_patches(encoder(to_pixels(views)))


class Pool:
    """Pictures at num_crops = 1 in groups of near-equal neighbours, with their merged patches."""

    def __init__(self, rng, encoder, capacity):
        self.rng, self.encoder, self.capacity = rng, encoder, capacity // GROUP * GROUP
        self.pixels = np.zeros((self.capacity, preprocess.TILE, preprocess.TILE, 3), np.uint8)
        self.features = torch.zeros(self.capacity, 12, 12, 4 * encoder.dim)
        self.captions = []

    def add_group(self):
        """Draws a group: appended while there is room, later in the place of a random old one."""
        specs = [world.sample_spec(self.rng)]
        while len(specs) < GROUP:
            specs.append(specs[-1] if self.rng.random() < .25 else tasks.mutate(self.rng, specs[-1]))
        views = np.stack([np.asarray(preprocess.hd_transform(world.render(s, self.rng)[0])) for s in specs])
        at = len(self.captions)
        if at == self.capacity:
            at = self.rng.randrange(self.capacity // GROUP) * GROUP
        self.pixels[at:at + GROUP] = views
        self.features[at:at + GROUP] = encode(self.encoder, views)
        self.captions[at:at + GROUP] = [world.caption(s) for s in specs]

    def pick(self, count):
        """Indices of `count` pictures in a row; neighbours are often nearly alike."""
        chosen = [self.rng.randrange(len(self.captions))]
        while len(chosen) < count:
            choice, last = self.rng.random(), chosen[-1]
            if choice < .03:
                chosen.append(last)
            elif choice < .33:
                chosen.append(last // GROUP * GROUP + self.rng.randrange(GROUP))
            else:
                chosen.append(self.rng.randrange(len(self.captions)))
        return chosen


class TiledPool:
    """Pictures at num_crops = 4: merged patches of the global view and the tiles."""

    def __init__(self, rng, encoder, capacity):
        self.rng, self.encoder, self.capacity, self.entries = rng, encoder, capacity, []

    def add(self):
        spec = world.sample_spec(self.rng)
        canvas = np.asarray(preprocess.hd_transform(world.render(spec, self.rng)[0], 4))
        views = [preprocess.global_view(canvas)] + preprocess.tiles(canvas)
        features = encode(self.encoder, np.stack([v.astype(np.float32) for v in views]))
        rows, columns = canvas.shape[0] // preprocess.TILE, canvas.shape[1] // preprocess.TILE
        self.entries.append((features, rows, columns, world.caption(spec), preprocess.token_count(*canvas.shape[:2])))
        del self.entries[:-self.capacity]

    def pick(self, count):
        return [self.rng.choice(self.entries) for _ in range(count)]
