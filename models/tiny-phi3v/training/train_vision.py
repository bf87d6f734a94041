"""Stage "vision": the vision encoder alone, on dense labels.

A linear head on every patch says what is in it (background colour, shape and colour, title word, chart, bullets) and
which letter or local feature. The head is thrown away at export.
"""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import preprocess
import world
from model import VISION, VisionEncoder
from optim import adamw, set_rate

BATCH = 8
MEMORY = 400  # batches kept for repeated use; rendering costs about as much as a training step
FRESH = .6  # share of steps on a new batch
_MEAN = torch.tensor(preprocess.MEAN).view(1, 3, 1, 1) * 255
_STD = torch.tensor(preprocess.STD).view(1, 3, 1, 1) * 255


def to_pixels(batch):
    """[B, 336, 336, 3] 8-bit -> [B, 3, 336, 336] normalised."""
    return (torch.from_numpy(batch).permute(0, 3, 1, 2).float() - _MEAN) / _STD


def view_with_labels(rng):
    """A random view as the encoder meets it: whole picture (num_crops 1), global view or tile (num_crops 4)."""
    image, labels, letters = world.render(world.sample_spec(rng, kind=rng.choice(['scene', 'slide'])), rng)
    choice = rng.random()
    if choice < .65:
        return (np.asarray(preprocess.hd_transform(image)), preprocess.patch_grid(labels),
                preprocess.patch_grid(letters))
    canvas = np.asarray(preprocess.hd_transform(image, 4))
    if choice < .8:
        view = np.clip(np.rint(preprocess.global_view(canvas)), 0, 255).astype(np.uint8)
        return view, preprocess.patch_grid(labels), preprocess.patch_grid(letters)
    columns = canvas.shape[1] // preprocess.TILE
    number = rng.randrange(columns * (canvas.shape[0] // preprocess.TILE))
    row, column = divmod(number, columns)
    return (preprocess.tiles(canvas)[number], preprocess.tile_grid(labels, column, row),
            preprocess.tile_grid(letters, column, row))


def _batch(rng):
    return tuple(np.stack(part) for part in zip(*(view_with_labels(rng) for _ in range(BATCH))))


def _class_weights():
    weights = torch.ones(world.LABEL_COUNT)
    weights[world.LABEL_PAD] = .05
    weights[world.LABEL_BG:world.LABEL_SHAPE] = .15
    weights[world.LABEL_SHAPE:world.LABEL_SLIDE] = 1.5
    weights[world.LABEL_SLIDE] = .1
    weights[world.LABEL_CHART:] = .3
    letter_weights = torch.ones(world.LETTER_COUNT)
    letter_weights[0] = .03
    return weights, letter_weights


def train(team, job, settings, start):
    """settings: rate (peak); start: weights to begin with (may be empty)."""
    torch.manual_seed(job['seed'])
    encoder = VisionEncoder(**VISION)
    head = nn.Linear(VISION['dim'], world.LABEL_COUNT + world.LETTER_COUNT)
    parameters = list(encoder.parameters()) + list(head.parameters())
    optimiser = adamw(parameters, settings['rate'], decay=.03, betas=(.9, .98))
    state = team.resume()
    weights = state['weights'] if state else start
    if 'vision' in weights:
        encoder.load_state_dict(weights['vision'])
    if 'vision_head' in weights:
        head.load_state_dict(weights['vision_head'])
    if state:
        optimiser.load_state_dict(state['optimisers'][0])
    team.share_parameters(parameters)
    label_weights, letter_weights = _class_weights()
    memory, rng = [], team.rng
    groups = {'background': (world.LABEL_BG, world.LABEL_SHAPE), 'shape': (world.LABEL_SHAPE, world.LABEL_SLIDE),
              'word': (world.LABEL_WORD, world.LABEL_CHART), 'chart': (world.LABEL_CHART, world.LABEL_BULLET),
              'bullets': (world.LABEL_BULLET, world.LABEL_COUNT)}

    def save():
        team.save({**start, 'vision': encoder.state_dict(), 'vision_head': head.state_dict()}, [optimiser])

    while not team.finished:
        share = team.progress()
        warm = min(1, (team.step + 1) / (40 if 'vision' in start else 200))
        set_rate(optimiser, settings['rate'] * warm * (.49 * (1 + math.cos(math.pi * share)) + .02))
        if len(memory) < 20 or rng.random() < FRESH:
            batch = _batch(rng)
            memory = (memory + [batch])[-MEMORY:]
        else:
            batch = rng.choice(memory)
        logits = head(F.layer_norm(encoder(to_pixels(batch[0])), (VISION['dim'],)))
        logits = logits.view(-1, world.LABEL_COUNT + world.LETTER_COUNT)
        labels = torch.from_numpy(batch[1]).long().view(-1)
        letters = torch.from_numpy(batch[2]).long().view(-1)
        label_logits, letter_logits = logits[:, :world.LABEL_COUNT], logits[:, world.LABEL_COUNT:]
        loss = (F.cross_entropy(label_logits, labels, weight=label_weights)
                + .5 * F.cross_entropy(letter_logits, letters, weight=letter_weights))
        for p in parameters:
            p.grad = None
        loss.backward()
        team.clip(parameters)
        optimiser.step()
        team.note('loss', loss.item())
        right = label_logits.argmax(-1) == labels
        for name, (low, high) in groups.items():
            inside = (labels >= low) & (labels < high)
            team.note(name, int(right[inside].sum()), int(inside.sum()))
        written = letters > 0
        team.note('letter', int((letter_logits.argmax(-1) == letters)[written].sum()), int(written.sum()))
        team.end_of_step(parameters, save)
