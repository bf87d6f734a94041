"""Stages with the decoder: projector + decoder on cached image features, or all together with the vision encoder.

Every step is one kind of task with about TOKENS tokens. Two linear "hint"
heads, thrown away at export, say what the middle layers should know: at a prompt token which image or caption it
belongs to (after layer 3), at an answer token which image or caption is written about next (after layer 4).

A mix is [[until, {kind: weight}], ...] with `until` as a share of the stage. Kinds (n = number of images or lines):
  caps<n>    caption n images                 plain      caption one image without a number
  merge<n>   captions -> connected text       junk<n>    the same with sentences of random words
  parts<n>   summaries -> connected text      tcap<n>    the caption task with texts in place of images
  title<n>   captions -> title                ptitle<n>  summaries -> title
"""
import re

import torch
from torch import nn
from torch.nn import functional as F

import tasks
from images import Pool, TiledPool
from model import DECODER, MERGED, TOKENS_PER_VIEW, VISION, Decoder, Projector, VisionEncoder, merge_patches
from optim import Muon, adamw, set_rate
from tokenizer import BOS, TextCodec
from train_vision import to_pixels

TOKENS = 2000
SOURCES = 20  # classes of the hint heads; 0 = none
HINT_LAYERS = (2, 3)
FULL_VIEW = 2 * TOKENS_PER_VIEW + 1  # 313 tokens
# Rough tokens per sample of text kinds: (fixed, per line).
TEXT_LENGTH = {'merge': (40, 52), 'junk': (36, 44), 'title': (50, 24), 'tcap': (25, 46), 'parts': (60, 150),
               'ptitle': (50, 50)}


class Row:
    """One sample as ids: image positions are negative (-k = image k)."""

    def __init__(self):
        self.ids, self.answer, self.source = [], [], []

    def add(self, ids, sources=0, answer=False):
        self.ids += ids
        self.answer += [answer] * len(ids)
        self.source += sources if isinstance(sources, list) else [sources] * len(ids)

    def finish(self, codec, pieces):
        ids, sources = codec.encode_pieces(pieces)
        self.add(ids, sources, True)
        self.add([codec.end], 0, True)
        return self


def bos_flags(rng, count):
    """Before which of `count` text pieces a BOS goes: mostly all (as the product does), sometimes first or none."""
    choice = rng.random()
    return [True] * count if choice < .8 else [True] + [False] * (count - 1) if choice < .9 else [False] * count


def image_row(codec, rng, pieces, token_counts, answer):
    """Sample with images between the text pieces; answer: [(text, image number)]."""
    row = Row()
    for i, (piece, bos) in enumerate(zip(pieces, bos_flags(rng, len(pieces)))):
        row.add(([BOS] if bos else []) + codec.encode(piece))
        if i < len(token_counts):
            row.add([-(i + 1)] * token_counts[i], i + 1)
    return row.finish(codec, answer)


def text_row(codec, rng, sample):
    row = Row()
    if bos_flags(rng, 1)[0]:
        row.add([BOS])
    row.add(*codec.encode_pieces(sample.pieces))
    return row.finish(codec, sample.answer)


def collate(rows, pad):
    """-> ids [B, T], answer mask [B, T], sources [B, T]"""
    length = max(len(r.ids) for r in rows)
    ids = torch.full((len(rows), length), pad)
    answer = torch.zeros(len(rows), length, dtype=torch.bool)
    source = torch.zeros(len(rows), length, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, :len(row.ids)] = torch.tensor(row.ids)
        answer[i, :len(row.ids)] = torch.tensor(row.answer)
        source[i, :len(row.ids)] = torch.tensor(row.source)
    return ids, answer, source


def text_sample(rng, kind, count):
    if kind in ('merge', 'junk'):
        return tasks.merge_sample(rng, count, junk=kind == 'junk')
    if kind == 'parts':
        return tasks.parts_sample(rng, count)
    if kind in ('title', 'ptitle'):
        return tasks.title_sample(rng, count, as_stories=kind == 'ptitle')
    return tasks.text_caption_sample(rng, count)


def caption_row(codec, rng, kind, captions, token_counts):
    if kind == 'plain':
        return image_row(codec, rng, tasks.plain_prompt(rng.choice(tasks.ASK_PLAIN)), token_counts, [(captions[0], 1)])
    wish = tasks.random_wish(rng) if rng.random() < .1 else None
    lines = [(f'{i}. {c}' + ('\n' if i < len(captions) else ''), i) for i, c in enumerate(captions, 1)]
    return image_row(codec, rng, tasks.caption_prompt(len(captions), wish), token_counts, lines)


class Models(nn.Module):
    """Everything that is trained."""

    def __init__(self, codec):
        super().__init__()
        self.vision = VisionEncoder(**VISION)
        self.projector = Projector(MERGED, DECODER['hidden'])
        self.decoder = Decoder(codec.size)
        self.hint_source = nn.Linear(DECODER['hidden'], SOURCES)
        self.hint_next = nn.Linear(DECODER['hidden'], SOURCES)

    def load(self, weights):
        """Loads what a checkpoint has; a hint head with fewer classes fills the first ones."""
        for name, module in self.named_children():
            if name not in weights:
                continue
            own = module.state_dict()
            for key, value in weights[name].items():
                if own[key].shape == value.shape:
                    own[key] = value
                else:
                    own[key][:len(value)] = value
            module.load_state_dict(own)

    def weights(self):
        return {name: module.state_dict() for name, module in self.named_children()}


def _make_batch(team, codec, pools, kind, count, settings, half):
    """-> (rows, pool indices, tiled entries)"""
    rng, rows, indices, tiled = team.rng, [], [], []
    if kind not in ('caps', 'plain'):
        fixed, per_line = TEXT_LENGTH[kind]
        for _ in range(max(2, round(TOKENS / (fixed + per_line * count)))):
            rows.append(text_row(codec, rng, text_sample(rng, kind, count)))
        return rows, indices, tiled
    if pools[1] is not None and rng.random() < settings['tiled']:
        pools[1].add()
        count = min(count, 3 if count == 6 else 2)
        for _ in range(max(1, round(TOKENS / (790 * count)))):
            entries = pools[1].pick(count)
            tiled += entries
            rows.append(caption_row(codec, rng, kind, [e[3] for e in entries], [e[4] for e in entries]))
        return rows, indices, tiled
    if rng.random() < settings['fresh']:
        pools[0].add_group()
    per_image = TOKENS_PER_VIEW + 28 if half else FULL_VIEW + 28
    tokens = settings.get('image_tokens', TOKENS)
    for _ in range(max(1, round(tokens / (per_image * count)))):
        chosen = pools[0].pick(count)
        indices += chosen
        rows.append(caption_row(codec, rng, kind, [pools[0].captions[j] for j in chosen],
                                [TOKENS_PER_VIEW if half else FULL_VIEW] * count))
    return rows, indices, tiled


def _image_features(models, pool, indices, tiled, half, through_vision):
    """Rows for the image positions [tokens, hidden], in the order of the text."""
    if tiled:
        return torch.cat([models.projector.tiled(f, rows, columns) for f, rows, columns, _, _ in tiled])
    if through_vision:
        unique = sorted(set(indices))
        views = merge_patches(models.vision(to_pixels(pool.pixels[unique])))
        views = views[[unique.index(i) for i in indices]]
    else:
        views = pool.features[indices]
    features = models.projector.single(views)
    if half:
        features = features[:, FULL_VIEW - TOKENS_PER_VIEW:]
    return features.reshape(-1, features.shape[-1])


def train(team, job, settings, start):
    """settings: rate (AdamW), muon_rate, final (share of the rates at the end), mix, and optionally
    vision_rate (0 = encoder frozen), half (share of caption steps with the global half of the image tokens only,
    in the first 65 % of the stage), tiled (share of caption steps at num_crops = 4), fresh (share of caption steps
    that draw four new pictures), pool (number of pictures kept)."""
    settings = {'vision_rate': 0, 'half': 0, 'tiled': 0, 'fresh': .35, 'pool': 2400, **settings}
    torch.manual_seed(job['seed'])
    codec = TextCodec(job['tokenizer'])
    models = Models(codec)
    state = team.resume()
    models.load(state['weights'] if state else start)
    matrices = [p for n, p in models.decoder.named_parameters() if p.dim() == 2 and '.layers.' in n]
    muon = Muon(matrices, DECODER['hidden'])
    taken = {id(p) for p in matrices} | {id(p) for p in models.vision.parameters()}
    others = [p for p in models.parameters() if id(p) not in taken]
    optimisers = [muon, adamw(others, settings['rate'])]
    parameters = matrices + others
    if settings['vision_rate']:
        optimisers.append(adamw(models.vision.parameters(), settings['vision_rate']))
        parameters = parameters + list(models.vision.parameters())
    if state:
        for optimiser, saved in zip(optimisers, state['optimisers']):
            optimiser.load_state_dict(saved)
    team.share_parameters(models.parameters())

    sees = any(kind.startswith(('caps', 'plain')) for _, part in settings['mix'] for kind in part)
    pools = [Pool(team.rng, models.vision, settings['pool']), None]
    if sees:
        for _ in range(100):
            pools[0].add_group()
        if settings['tiled']:
            pools[1] = TiledPool(team.rng, models.vision, 150)
            for _ in range(24):
                pools[1].add()

    def save():
        extra = {'vision_head': start['vision_head']} if 'vision_head' in start else {}
        team.save({**models.weights(), **extra}, optimisers)

    while not team.finished:
        share = team.progress()
        rate = min(1, (team.step + 1) / 50) * (1 - (1 - settings['final']) * share)
        set_rate(optimisers[1], settings['rate'] * rate)
        if settings['vision_rate']:
            set_rate(optimisers[2], settings['vision_rate'] * rate)
        mix = next(part for until, part in settings['mix'] if share <= until)
        name = team.rng.choices(list(mix), list(mix.values()))[0]
        kind, digits = re.match(r'([a-z]+)(\d*)', name).groups()
        half = kind in ('caps', 'plain') and share < .65 and team.rng.random() < settings['half']
        rows, indices, tiled = _make_batch(team, codec, pools, kind, int(digits or 1), settings, half)
        half = half and not tiled
        ids, answer, source = collate(rows, codec.pad)
        embedded = models.decoder.model.embed_tokens(ids.clamp(min=0))
        if indices or tiled:
            features = _image_features(models, pools[0], indices, tiled, half, bool(settings['vision_rate']))
            embedded = embedded.masked_scatter((ids < 0).unsqueeze(-1), features)
        last, (third, fourth) = models.decoder(embedded, HINT_LAYERS)
        chosen = answer[:, 1:]
        logits = models.decoder.lm_head(last[:, :-1][chosen])
        wanted = ids[:, 1:][chosen]
        loss = F.cross_entropy(logits, wanted)
        team.note(name + ('x4' if tiled else ''), loss.item())
        right = torch.ones_like(chosen)
        right[chosen] = logits.argmax(-1) == wanted
        team.note('~' + name + ('x4' if tiled else ''), int(right.all(1).sum()), len(rows))
        if int(digits or 1) > 1:
            hints = 0
            normal = (DECODER['hidden'],)
            in_prompt = (source > 0) & ~answer & (torch.rand(source.shape) < .12)
            if in_prompt.any():
                guess = models.hint_source(F.rms_norm(third[in_prompt], normal))
                hints = F.cross_entropy(guess, source[in_prompt])
                team.note('hint-source', hints.item())
            next_source = chosen & (source[:, 1:] > 0)
            guess = models.hint_next(F.rms_norm(fourth[:, :-1][next_source], normal))
            next_loss = F.cross_entropy(guess, source[:, 1:][next_source])
            team.note('hint-next-' + kind, next_loss.item())
            loss = loss + .3 * (hints + next_loss)
        for p in parameters:
            p.grad = None
        loss.backward()
        team.clip(parameters)
        muon.step(settings['muon_rate'] * rate)
        for optimiser in optimisers[1:]:
            optimiser.step()
        team.end_of_step(parameters, save)
