"""Measures an exported model folder on samples it was never trained on, with plain onnxruntime and greedy decoding.

  python evaluate.py .. [--count 40] [--seed 987654] [--only images,merges,titles,long]

Prompts, ids and pictures are made as the product makes them: a BOS before every text piece, tiles and global view as in
preprocess.py. Every fourth sample has slide titles whose word pair was never in the training data. Prints a Markdown
table and the commonest errors.
"""
import argparse
import collections
import json
import os
import platform
import random
import re
import time

import numpy as np
import onnxruntime

import preprocess
import tasks
import world
from tokenizer import BOS, TextCodec

STOP_EXTRA = ('end', 'pad', 'assistant')


class Runner:
    """The three graphs of a model folder."""

    def __init__(self, folder, threads=1):
        with open(os.path.join(folder, 'genai_config.json'), encoding='utf-8') as file:
            self.config = json.load(file)['model']
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.vision, self.embedding, self.text = (
            onnxruntime.InferenceSession(os.path.join(folder, self.config[part]['filename']), options,
                                         providers=['CPUExecutionProvider'])
            for part in ('vision', 'embedding', 'decoder'))
        self.codec = TextCodec(folder)
        self.outputs = [o.name for o in self.text.get_outputs()]
        self.stop = {getattr(self.codec, name) for name in STOP_EXTRA} | {2}

    def prompt_ids(self, pieces, counts):
        ids = []
        for i, piece in enumerate(pieces):
            ids += [BOS] + self.codec.encode(piece)
            if i < len(counts):
                ids += [-(i + 1)] * counts[i]
        return ids

    def generate(self, pieces, images=(), num_crops=1, limit=640):
        """Answer text of a prompt given as text pieces with images between them."""
        decoder = self.config['decoder']
        features, counts = np.zeros((0, decoder['hidden_size']), np.float32), []
        if images:
            pixels, sizes, counts = preprocess.pixel_values(images, num_crops)
            features = self.vision.run(None, {'pixel_values': pixels, 'image_sizes': sizes})[0]
            assert len(features) == sum(counts), 'rows of image features'
        ids = self.prompt_ids(pieces, counts)
        empty = np.zeros((1, decoder['num_key_value_heads'], 0, decoder['head_size']), np.float32)
        past = {f'past_key_values.{i}.{k}': empty for i in range(decoder['num_hidden_layers']) for k in ('key', 'value')}
        total, new, answer = len(ids), ids, []
        self.prompt_length = total
        while True:
            embedded = self.embedding.run(None, {'input_ids': np.array([new], np.int64), 'image_features': features})[0]
            result = dict(zip(self.outputs, self.text.run(None, {
                'inputs_embeds': embedded, 'attention_mask': np.ones((1, total), np.int64), **past})))
            token = int(result['logits'][0, -1].argmax())
            if token in self.stop or len(answer) == limit:
                return self.codec.decode(answer)
            answer.append(token)
            past = {k.replace('present', 'past_key_values'): v for k, v in result.items() if k != 'logits'}
            total, new, features = total + 1, [token], features[:0]


class Report:
    """Rows of the table and a count of errors."""

    def __init__(self):
        self.rows, self.errors, self.samples = [], collections.Counter(), {}

    def row(self, name, right, total, note=''):
        share = f'{100 * right / total:.1f} %' if total else '-'
        self.rows.append((name, f'{right}/{total}', share, note))
        print(f'{name}: {right}/{total} = {share}  {note}', flush=True)

    def error(self, kind, want, got):
        self.errors[kind] += 1
        self.samples.setdefault(kind, (want, got))

    def table(self):
        lines = ['| what | right | share | |', '|---|---|---|---|']
        return '\n'.join(lines + ['| ' + ' | '.join(r) + ' |' for r in self.rows])


def caption_error(want, got):
    """Which part of a caption is wrong, with the confusion."""
    def facts(text):
        slide = re.match(r'A slide titled "([^"]*)"', text)
        if slide:
            chart, bullets = re.search(r'a (\w+) chart', text), re.search(r'(\d) bullet', text)
            return {'kind': 'slide', 'title': slide[1], 'chart': chart[1] if chart else 'none',
                    'bullets': bullets[1] if bullets else '0'}
        ground = re.search(r'on an? (\w+) background', text)
        out = {'kind': 'scene', 'background': ground[1] if ground else '?'}
        for colour, shape, place in re.findall(r'[Aa]n? (\w+) (\w+) (?:on the|in the) (left|center|right)', text):
            out[place] = (colour, shape)
        return out

    a, b = facts(want), facts(got)
    if a['kind'] != b['kind']:
        return 'kind of picture'
    for key in ('title', 'chart', 'bullets', 'background'):
        if a.get(key) != b.get(key):
            return key if key == 'title' else f'{key}: {a.get(key)} seen as {b.get(key)}'
    for place in world.POSITIONS:
        if (place in a) != (place in b):
            return 'number or place of shapes'
        if place in a and a[place] != b[place]:
            part = 0 if a[place][0] != b[place][0] else 1
            return f"{('colour', 'shape')[part]}: {a[place][part]} seen as {b[place][part]}"
    return 'form of the sentence'


def split_for(i):
    return 'heldout' if i % 4 == 3 else 'train'


def one_image(runner, report, rng, count, num_crops, keep=0., label=''):
    right = collections.Counter()
    for i in range(count):
        kind = 'scene' if i % 2 == 0 else 'slide'
        spec = world.sample_spec(rng, split_for(i) if kind == 'slide' else 'train', kind)
        image = world.render(spec, rng)[0]
        wish = tasks.random_wish(rng) if rng.random() < keep else None
        want = tasks.caption_answer([world.caption(spec)])
        got = runner.generate(tasks.caption_prompt(1, wish), [image], num_crops)
        right[kind] += got == want
        if got != want:
            report.error(caption_error(want[3:], got[3:]), want, got)
    note = f"scenes {right['scene']}/{(count + 1) // 2}, slides {right['slide']}/{count // 2}"
    report.row(f'one image, {num_crops} crop{"s" if num_crops > 1 else ""}{label}: caption exactly right',
               sum(right.values()), count, note)


def many_images(runner, report, rng, count, number, num_crops, keep=0., label=''):
    """Returns (right lines, lines)."""
    right = whole = 0
    for i in range(count):
        specs = tasks.spec_sequence(rng, number, split_for(i), near=.25)
        images = [world.render(s, rng)[0] for s in specs]
        wish = tasks.random_wish(rng) if rng.random() < keep else None
        want = tasks.caption_answer([world.caption(s) for s in specs]).split('\n')
        got = runner.generate(tasks.caption_prompt(number, wish), images, num_crops).split('\n')
        for k, line in enumerate(want):
            other = got[k] if k < len(got) else ''
            right += line == other
            if line != other:
                neighbour = other[3:] in [w[3:] for w in want]
                report.error('caption of another image' if neighbour else caption_error(line[3:], other[3:]), line, other)
        whole += want == got
    report.row(f'{number} images, {num_crops} crop{"s" if num_crops > 1 else ""}{label}: lines exactly right', right,
               count * number, f'whole answers {whole}/{count}')
    return right, count * number


def merges(runner, report, rng, count, name, make):
    """Returns (right, count)."""
    right = exact = kept = clean = 0
    for i in range(count):
        sample = make(split_for(i))
        want, got = sample.answer_text, runner.generate([sample.prompt_text])
        facts, said = tasks.sentences(want), tasks.sentences(got)
        all_kept, none_added = all(f in said for f in facts), all(s in facts for s in said)
        exact, kept, clean = exact + (got == want), kept + all_kept, clean + none_added
        right += all_kept and none_added
        if got != want:
            fault = 'fact left out' if len(said) < len(facts) else 'fact changed' if not none_added else 'order or repetition'
            report.error(f'merge: {fault}', want, got)
    report.row(f'{name}: every fact kept, none added', right, count, f'exact {exact}, all kept {kept}, none added {clean}')
    return right, count


def titles(runner, report, rng, count, name, make):
    right = 0
    for i in range(count):
        sample = make(split_for(i))
        got = runner.generate([sample.prompt_text], limit=24)
        right += got == sample.answer_text
        if got != sample.answer_text:
            report.error('title', sample.answer_text, got)
    report.row(f'title from {name}', right, count)


def long_prompts(runner, report, rng):
    """Prompts above 4,096 tokens take the long branch of longrope: they must run; the answers are not judged."""
    specs = tasks.spec_sequence(rng, 14)
    answer = runner.generate(tasks.caption_prompt(14), [world.render(s, rng)[0] for s in specs], limit=16)
    report.row(f'prompt of {runner.prompt_length} tokens (14 images) runs', 1, 1, f'begins {answer[:40]!r}')
    captions = [world.caption(s) for s in tasks.spec_sequence(rng, 230)]
    answer = runner.generate([tasks.list_prompt(captions)], limit=16)
    report.row(f'prompt of {runner.prompt_length} tokens (230 captions) runs', 1, 1, f'begins {answer[:40]!r}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('--count', type=int, default=40, help='prompts per row (five times as many for one image)')
    parser.add_argument('--seed', type=int, default=987654)
    parser.add_argument('--only', default='images,tiles,merges,titles,long')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    runner, report, parts = Runner(args.folder, args.threads), Report(), args.only.split(',')
    count, begun = args.count, time.time()

    def rng(name):  # every row has its own samples, whichever rows are asked for
        return random.Random(f'{args.seed}-{name}')

    if 'images' in parts:
        one_image(runner, report, rng('one'), 5 * count, 1)
        one_image(runner, report, rng('one-keep'), count, 1, 1., ', with a wish')
        sums = [many_images(runner, report, rng(f'many-{n}'), count, n, 1) for n in range(2, 7)]
        report.row('2-6 images, 1 crop, all lines', *map(sum, zip(*sums)))
        many_images(runner, report, rng('many-keep'), count // 2, 4, 1, 1., ', with a wish')
    if 'tiles' in parts:
        one_image(runner, report, rng('one-tiled'), 2 * count, 4)
        for n in (2, 3):
            many_images(runner, report, rng(f'many-tiled-{n}'), count // 2, n, 4)
    if 'merges' in parts:
        for n in range(2, 9):
            r = rng(f'merge-{n}')
            merges(runner, report, r, count, f'merge of {n} captions', lambda s, n=n, r=r: tasks.merge_sample(r, n, s))
        for n in (2, 3, 4):
            r = rng(f'parts-{n}')
            merges(runner, report, r, count, f'merge of {n} parts of 1-4 captions',
                   lambda s, n=n, r=r: tasks.parts_sample(r, n, s, most=16, sizes=(1, 2, 3, 4)))
    if 'titles' in parts:
        for n in (2, 4, 6, 8):
            r = rng(f'title-{n}')
            titles(runner, report, r, count, f'{n} captions', lambda s, n=n, r=r: tasks.title_sample(r, n, s))
        for n in (2, 4):
            r = rng(f'ptitle-{n}')
            titles(runner, report, r, count, f'{n} parts', lambda s, n=n, r=r: tasks.title_sample(r, n, s, as_stories=True))
    if 'long' in parts:
        long_prompts(runner, report, rng('long'))
    print('\n' + report.table())
    print(f'\nSeed {args.seed}, --count {count}, {time.time() - begun:.0f} s, {args.threads} thread, '
          f'{os.cpu_count()} cores {platform.machine()}, onnxruntime {onnxruntime.__version__}.')
    print('\nCommonest errors:')
    for kind, number in report.errors.most_common(15):
        print(f'- {number} x {kind}')
    print('\nOne example of each of the first six:')
    for kind, _ in report.errors.most_common(6):
        want, got = report.samples[kind]
        print(f'- {kind}\n    want {want}\n    got  {got}')


if __name__ == '__main__':
    main()
