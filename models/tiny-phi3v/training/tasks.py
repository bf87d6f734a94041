"""Prompts and right answers of everything the model is asked to do.

The prompt texts are those of the product, to the letter. The model never reads or writes times; images and lines have
numbers only. Neighbouring captions in a merge always differ, because the product collapses equal ones before it asks.
"""
import random
import re

import world

ASK_CAPTIONS = 'Describe each image in one line, starting with its number.'
ASK_SUMMARY = 'Summarize them in order, each thing once.'
ASK_TITLE = 'Give a title of at most six words.'
ASK_PLAIN = ['Describe this image in one sentence.', 'Describe this image.', 'Write a caption for this image.']
HEAD_CAPTIONS = 'These are captions of consecutive images:'
HEAD_PARTS = 'These are summaries of consecutive parts:'
KEEP = 'Keep in mind: '
USER, ANSWER = '<|user|>\n', '<|end|>\n<|assistant|>\n'


# ------------------------------------------------------------------------------------------------ prompts and answers
def keep_line(text):
    """The line a user's own wish is put in, just before the instruction."""
    return KEEP + text + '\n' if text else ''


def caption_prompt(count, keep=None):
    """Text pieces around the images: piece 0, image 1, piece 1, ..., image n, piece n."""
    return [f'{USER}1:\n'] + [f'\n{i}:\n' for i in range(2, count + 1)] + ['\n' + keep_line(keep) + ASK_CAPTIONS + ANSWER]


def plain_prompt(ask=ASK_PLAIN[0]):
    """Text pieces around a single image, without numbers."""
    return [USER, '\n' + ask + ANSWER]


def list_prompt(lines, head=HEAD_CAPTIONS, ask=ASK_SUMMARY, keep=None):
    """A prompt on numbered lines of text (no images)."""
    numbered = '\n'.join(f'{i}. {line}' for i, line in enumerate(lines, 1))
    return f'{USER}{head}\n{numbered}\n{keep_line(keep)}{ask}{ANSWER}'


def caption_answer(captions):
    return '\n'.join(f'{i}. {c}' for i, c in enumerate(captions, 1))


def story(captions):
    """The merged text: `First, ... Then, ... Finally, ...`."""
    parts = [c[0].lower() + c[1:] for c in captions]
    if len(parts) == 1:
        return 'Throughout, ' + parts[0]
    words = ['First'] + ['Then'] * (len(parts) - 2) + ['Finally']
    return ' '.join(f'{w}, {p}' for w, p in zip(words, parts))


def title(specs):
    """Title of the first slide; without a slide the objects of the first scene."""
    for spec in specs:
        if spec['kind'] == 'slide':
            return spec['title']
    return world.capitalise(', '.join(f'{colour} {shape}' for shape, colour, _ in specs[0]['objs']))


def sentences(text):
    """The sentences of a merged text without their linking words."""
    parts = re.split(r'(?<=\.) (?=(?:First|Then|Finally|Throughout), )', text.strip())
    return [re.sub(r'^(?:First|Then|Finally|Throughout), ', '', p.strip()) for p in parts]


# ------------------------------------------------------------------------------------------------ sequences of specs
def mutate(rng, spec):
    """A neighbour that differs in one attribute only."""
    spec = dict(spec)
    if spec['kind'] == 'scene':
        objects = list(spec['objs'])
        i = rng.randrange(len(objects))
        shape, colour, place = objects[i]
        if rng.random() < .5:
            shape = rng.choice([s for s in world.SHAPES if s != shape])
        else:
            colour = rng.choice([c for c in world.COLOUR_NAMES if c not in (colour, spec['bg'])])
        objects[i] = (shape, colour, place)
        spec['objs'] = objects
    elif rng.random() < .5:
        spec['bullets'] = (spec['bullets'] + rng.randint(1, 4)) % 5
    else:
        spec['chart'] = rng.choice([c for c in world.CHARTS if c != spec['chart']])
    return spec


def spec_sequence(rng, count, split='train', near=.3, kind=None):
    """`count` specs whose neighbours differ; a share `near` of them differs in one attribute only."""
    out = [world.sample_spec(rng, split, kind)]
    while len(out) < count:
        spec = mutate(rng, out[-1]) if rng.random() < near else world.sample_spec(rng, split, kind)
        if spec != out[-1]:
            out.append(spec)
    return out


# ------------------------------------------------------------------------------------------------ a user's own wish
_WISHES = [
    'focus on the charts', 'be brief', 'write for children', 'mention every colour', 'ignore the background',
    'use simple words', 'answer in German', 'list all titles', 'the audience is new to this', 'do not guess',
    'what changed between the images?', 'count the shapes', 'this is a lecture about biology', 'name the speaker',
    'only the key points, please', 'two sentences at most', 'keep the order', 'the red one matters most',
    'Bitte auf die Diagramme achten', 'kurz und klar', 'Welche Farben kommen vor?', 'sois bref',
    "décris l'image en détail", 'en español, por favor', 'resumen para niños', 'un titolo breve', 'por favor, sin números',
    'коротко', 'опиши цвета', 'σύντομα', '请简短', '図に注目して', '요약해 주세요', 'مختصر', 'krótko', 'çok kısa',
]
_SYLLABLES = 'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu an er in on ur st tr pl ch sh'.split()


def random_wish(rng):
    """Random text of a user: known phrases, made-up words, numbers, punctuation, words of the world."""
    words = []
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        choice = rng.random()
        if choice < .4:
            words.append(rng.choice(_WISHES))
        elif choice < .6:
            words += [''.join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 6))]
        elif choice < .75:
            words.append(str(rng.randrange(10 ** rng.randint(1, 5))) + rng.choice(['', '', ' %', '.', ':', ' s']))
        elif choice < .95:
            words += [rng.choice(_WORLD_WORDS) for _ in range(rng.randint(1, 5))]
        else:
            words.append(''.join(rng.choice('abcXYZ019+-*/()[]{}#@&!?;:,.\'"') for _ in range(rng.randint(2, 10))))
    text = ' '.join(words)
    if rng.random() < .4:
        text = world.capitalise(text)
    return text[:160].strip() + rng.choice(['', '', '.', '!', '?'])


_WORLD_WORDS = (world.TITLE_WORDS + world.COLOUR_NAMES + world.SHAPES
                + 'slide titled chart bar line pie point background left center right image images title first'.split())


# ------------------------------------------------------------------------------------------------ samples of text tasks
class TextSample:
    """One training sample without images.

    pieces: the prompt as a list of (text, source number or 0); answer: likewise. The source number tells which
    caption, counted over the whole prompt, a piece of text is (in the prompt) or copies (in the answer).
    """

    def __init__(self, pieces, answer):
        self.pieces, self.answer = pieces, answer

    @property
    def prompt_text(self):
        return ''.join(text for text, _ in self.pieces)

    @property
    def answer_text(self):
        return ''.join(text for text, _ in self.answer)


def _story_pieces(captions, first):
    """`story` cut into pieces with the source numbers first, first + 1, ..."""
    text = story(captions)
    cuts = [m.start() for m in re.finditer(r' (?=(?:Then|Finally), )', text)]
    edges = [0] + cuts + [len(text)]
    return [(text[a:b], first + i) for i, (a, b) in enumerate(zip(edges, edges[1:]))]


def _line_pieces(groups, as_stories):
    """Numbered lines, one per group of captions."""
    pieces, number = [], 1
    for i, group in enumerate(groups, 1):
        pieces.append((f'{i}. ', number))
        pieces += _story_pieces(group, number) if as_stories else [(group[0], number)]
        pieces.append(('\n', 0))
        number += len(group)
    return pieces


def _list_sample(rng, groups, as_stories, ask, answer, keep):
    wish = random_wish(rng) if rng.random() < keep else None
    head = HEAD_PARTS if as_stories else HEAD_CAPTIONS
    pieces = [(f'{USER}{head}\n', 0)] + _line_pieces(groups, as_stories) + [(keep_line(wish) + ask + ANSWER, 0)]
    return TextSample(pieces, answer)


def _random_sentences(rng, count):
    """Sentences of random known words: nothing to do but copy them."""
    return ['A ' + ' '.join(rng.choice(_WORLD_WORDS) for _ in range(rng.randint(1, 9))) + '.' for _ in range(count)]


def _captions(rng, count, split='train'):
    return [world.caption(s) for s in spec_sequence(rng, count, split, near=rng.choice([0, .3, .6]))]


def merge_sample(rng, count, split='train', keep=.1, junk=False):
    """Captions of `count` neighbouring frames -> one connected text."""
    captions = _random_sentences(rng, count) if junk else _captions(rng, count, split)
    return _list_sample(rng, [[c] for c in captions], False, ASK_SUMMARY, _story_pieces(captions, 1), keep)


def parts_sample(rng, count, split='train', keep=.1, most=12, sizes=(1, 2, 2, 3, 3, 4, 4)):
    """Summaries of `count` parts -> one connected text with every sentence of them."""
    while True:
        lengths = [rng.choice(sizes) for _ in range(count)]
        if sum(lengths) <= most:
            break
    captions = _captions(rng, sum(lengths), split)
    groups, at = [], 0
    for length in lengths:
        groups.append(captions[at:at + length])
        at += length
    return _list_sample(rng, groups, True, ASK_SUMMARY, _story_pieces(captions, 1), keep)


def title_sample(rng, count, split='train', keep=.1, as_stories=False):
    """Captions or part summaries -> a title."""
    kind = 'scene' if rng.random() < .4 else None
    sizes = [rng.choice([1, 2, 3]) if as_stories else 1 for _ in range(count)]
    specs = spec_sequence(rng, sum(sizes), split, kind=kind)
    groups, at = [], 0
    for size in sizes:
        groups.append([world.caption(s) for s in specs[at:at + size]])
        at += size
    source = next((i for i, s in enumerate(specs, 1) if s['kind'] == 'slide'), 1)
    return _list_sample(rng, groups, as_stories, ASK_TITLE, [(title(specs), source)], keep)


def text_caption_sample(rng, count, split='train', keep=.1):
    """The caption task with texts in the places of the images: copying by number."""
    captions = _random_sentences(rng, count) if rng.random() < .5 else _captions(rng, count, split)
    wish = random_wish(rng) if rng.random() < keep else None
    pieces, answer = [(USER, 0)], []
    for i, text in enumerate(captions, 1):
        pieces += [(f'{i}:\n{text}\n', i)]
        answer += [(f'{i}. {text}' + ('\n' if i < count else ''), i)]
    return TextSample(pieces + [(keep_line(wish) + ASK_CAPTIONS + ANSWER, 0)], answer)


if __name__ == '__main__':
    r = random.Random(0)
    for sample in (merge_sample(r, 3), parts_sample(r, 2, keep=1), title_sample(r, 2, as_stories=True),
                   text_caption_sample(r, 2)):
        print(sample.prompt_text + sample.answer_text + '\n')
