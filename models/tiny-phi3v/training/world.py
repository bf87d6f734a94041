"""The drawn world: everything the tiny model can see.

Two kinds of pictures exist. A *scene* is one or two coloured shapes on a coloured background. A *slide* has a title
of one or two known words, an optional chart and 0-4 bullet points. This module samples their descriptions ("specs"),
draws them with Pillow, spoils the picture a little the way video and JPEG do, and makes the training labels of the
24 x 24 patches the vision encoder looks at.

A spec is a dict: {'kind': 'scene', 'bg': colour, 'objs': [(shape, colour, position), ...]} or
{'kind': 'slide', 'title': str, 'chart': 'none'|'bar'|'line'|'pie', 'bullets': 0..4}.
"""
import io
import math
import os
import zlib

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

COLOURS = {
    'red': (215, 30, 35), 'orange': (245, 140, 20), 'yellow': (245, 225, 40), 'green': (30, 150, 60),
    'blue': (35, 80, 215), 'purple': (130, 40, 160), 'black': (18, 18, 20), 'white': (245, 245, 245),
}
COLOUR_NAMES = list(COLOURS)
SHAPES = ['circle', 'square', 'triangle', 'star']
POSITIONS = ['left', 'center', 'right']
FIRST_WORDS = ('Quarterly Annual Monthly Global Regional Market Product Customer Sales Project '
               'Team Budget Risk Growth Digital Financial Strategic Supply Brand Network').split()
SECOND_WORDS = ('Revenue Report Overview Strategy Results Forecast Roadmap Analysis Summary Update '
                'Plan Targets Costs Survey Metrics Review Training Security Timeline Goals').split()
TITLE_WORDS = FIRST_WORDS + SECOND_WORDS
CHARTS = ['none', 'bar', 'line', 'pie']
FONTS = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSerif', 'DejaVuSerif-Bold', 'DejaVuSansCondensed',
         'DejaVuSansCondensed-Bold', 'DejaVuSerifCondensed-Bold']
FONT_DIR = os.environ.get('DEJAVU_DIR', '/usr/share/fonts/truetype/dejavu')
# Source sizes in pixels: 16:9 video and slides, and 4:3.
SIZES = [(640, 360), (854, 480), (960, 540), (1280, 720), (1280, 720), (1280, 720), (640, 480), (960, 720), (1024, 768)]

# Patch labels of the first head (what is in the patch) ...
LABEL_PAD, LABEL_BG, LABEL_SHAPE, LABEL_SLIDE, LABEL_WORD, LABEL_CHART, LABEL_BULLET = 0, 1, 9, 41, 42, 82, 85
LABEL_COUNT = 89
# ... and of the second (which letter of a title, or which local feature of an outline; 0 = neither).
LETTERS = ''.join(sorted(set(''.join(TITLE_WORDS))))
LETTER_COUNT = len(LETTERS) + 6

_fonts = {}


def load_font(name, size):
    """DejaVu font `name` at `size` pixels, cached."""
    key = (name, size)
    if key not in _fonts:
        _fonts[key] = ImageFont.truetype(os.path.join(FONT_DIR, name + '.ttf'), size)
    return _fonts[key]


def is_held_out(title):
    """True for the about 10 % of two-word titles that are never trained on."""
    return ' ' in title and zlib.crc32(title.encode()) % 10 == 0


def capitalise(text):
    return text[0].upper() + text[1:]


def _with_article(word):
    return ('an ' if word[0] in 'aeiou' else 'a ') + word


def _place(position):
    return 'in the center' if position == 'center' else 'on the ' + position


def caption(spec):
    """The one right sentence for a spec."""
    if spec['kind'] == 'scene':
        things = ' and '.join(f'{_with_article(c)} {s} {_place(p)}' for s, c, p in spec['objs'])
        return capitalise(f"{things}, on {_with_article(spec['bg'])} background.")
    parts = []
    if spec['chart'] != 'none':
        parts.append(f"a {spec['chart']} chart")
    count = spec['bullets']
    if count:
        parts.append(f"{count} bullet point{'s' if count > 1 else ''}")
    return f"A slide titled \"{spec['title']}\"" + (' with ' + ' and '.join(parts) if parts else '') + '.'


def sample_spec(rng, split='train', kind=None):
    """A random spec. `split`: 'train' (no held-out titles), 'heldout' (only those) or 'all'."""
    kind = kind or ('scene' if rng.random() < 0.45 else 'slide')
    if kind == 'scene':
        count = rng.choice([1, 2, 2])
        bg = rng.choice(COLOUR_NAMES)
        others = [c for c in COLOUR_NAMES if c != bg]
        places = sorted(rng.sample(range(3), count))
        return {'kind': 'scene', 'bg': bg,
                'objs': [(rng.choice(SHAPES), rng.choice(others), POSITIONS[p]) for p in places]}
    while True:
        one_word = split != 'heldout' and rng.random() < 0.25
        title = rng.choice(SECOND_WORDS) if one_word else rng.choice(FIRST_WORDS) + ' ' + rng.choice(SECOND_WORDS)
        if split == 'all' or is_held_out(title) == (split == 'heldout'):
            return {'kind': 'slide', 'title': title, 'chart': rng.choice(CHARTS), 'bullets': rng.randint(0, 4)}


def _jitter(rng, colour, amount=14):
    return tuple(max(0, min(255, v + rng.randint(-amount, amount))) for v in colour)


def _polygon(shape, cx, cy, radius, rotation):
    """Corner points of a square, triangle or five-pointed star."""
    count, radii, start = {
        'square': (4, [radius * 1.15], math.pi / 4),
        'triangle': (3, [radius * 1.2], -math.pi / 2),
        'star': (10, [radius * 1.2, radius * 0.5], -math.pi / 2),
    }[shape]
    angles = [start + rotation + 2 * math.pi * i / count for i in range(count)]
    return [(cx + radii[i % len(radii)] * math.cos(a), cy + radii[i % len(radii)] * math.sin(a))
            for i, a in enumerate(angles)]


class _Canvas:
    """A picture with its two label pictures, drawn side by side."""

    def __init__(self, size, background, label):
        self.width, self.height = size
        self.image = Image.new('RGB', size, background)
        self.labels = Image.new('L', size, label)
        self.letters = Image.new('L', size, 0)
        self.draw = ImageDraw.Draw(self.image)
        self.draw_label = ImageDraw.Draw(self.labels)
        self.draw_letter = ImageDraw.Draw(self.letters)


def _draw_scene(spec, rng, size):
    width, height = size
    bg = spec['bg']
    canvas = _Canvas(size, _jitter(rng, COLOURS[bg], 10), LABEL_BG + COLOUR_NAMES.index(bg))
    mark = width * 7 / 336
    for shape, colour, position in spec['objs']:
        radius = width * rng.uniform(0.075, 0.13)
        cx = width * ((POSITIONS.index(position) + .5) / 3) + width * rng.uniform(-.035, .035)
        cy = height * (.5 + rng.uniform(-.16, .16))
        cy = max(radius * 1.2, min(height - radius * 1.2, cy))
        label = LABEL_SHAPE + SHAPES.index(shape) * 8 + COLOUR_NAMES.index(colour)
        fill = _jitter(rng, COLOURS[colour], 12)
        if shape == 'circle':
            box = (cx - radius, cy - radius, cx + radius, cy + radius)
            canvas.draw.ellipse(box, fill=fill)
            canvas.draw_label.ellipse(box, fill=label)
            marks = [(cx + radius * math.cos(a * math.pi / 6), cy + radius * math.sin(a * math.pi / 6), 5)
                     for a in range(12)]
        else:
            points = _polygon(shape, cx, cy, radius, rng.uniform(-.2, .2))
            canvas.draw.polygon(points, fill=fill)
            canvas.draw_label.polygon(points, fill=label)
            marks = [(x, y, {'square': 1, 'triangle': 2, 'star': 3 + i % 2}[shape]) for i, (x, y) in enumerate(points)]
        for x, y, feature in marks:  # local hints: corner, tip, notch, arc
            canvas.draw_letter.rectangle((x - mark, y - mark, x + mark, y + mark), fill=len(LETTERS) + feature)
    return canvas


def _draw_title(canvas, title, rng, colour):
    width, height = canvas.width, canvas.height
    name, size = rng.choice(FONTS), int(width * rng.uniform(.072, .092))
    font = load_font(name, size)
    while font.getlength(title) > width * .93:
        size -= 2
        font = load_font(name, size)
    length = font.getlength(title)
    centred = rng.random() < .5
    x = (width - length) / 2 + width * rng.uniform(-.02, .02) if centred else width * rng.uniform(.035, .06)
    x = max(4, min(x, width - length - 4))
    y = height * rng.uniform(.035, .08)
    canvas.draw.text((x, y), title, font=font, fill=colour)
    at = x
    for word in title.split(' '):
        advance, box = font.getlength(word), font.getbbox(word)
        canvas.draw_label.rectangle((at, y + box[1] - 2, at + advance, y + box[3] + 2),
                                    fill=LABEL_WORD + TITLE_WORDS.index(word))
        at += advance + font.getlength(' ')
    box = font.getbbox(title)
    for i, letter in enumerate(title):
        if letter != ' ':
            left, right = x + font.getlength(title[:i]), x + font.getlength(title[:i + 1]) - 1
            canvas.draw_letter.rectangle((left, y + box[1] - 2, right, y + box[3] + 2),
                                         fill=1 + LETTERS.index(letter))


def _draw_bullets(canvas, count, rng, colours, x0, x1):
    height, width = canvas.height, canvas.width
    foreground, background = colours
    step = height * rng.uniform(.135, .16)
    y = height * .30 + height * rng.uniform(0, .05)
    bars = rng.random() < .5  # grey bars instead of text
    size = int(height * rng.uniform(.05, .06))
    muted = tuple(int(.75 * a + .25 * b) for a, b in zip(foreground, background))
    square = rng.random() < .3
    radius = height * .016
    for _ in range(count):
        cy = y + size * .6
        canvas.draw_label.rectangle((x0 - 4, cy - step * .3, x1, cy + step * .3), fill=LABEL_BULLET + count - 1)
        box = (x0, cy - radius, x0 + 2 * radius, cy + radius)
        (canvas.draw.rectangle if square else canvas.draw.ellipse)(box, fill=foreground)
        share = rng.uniform(.45, .95)
        left = x0 + width * .03
        if bars:
            canvas.draw.rectangle((left, cy - radius * .8, left + (x1 - left) * share, cy + radius * .8), fill=muted)
        else:
            text, font = '', load_font('DejaVuSans', size)
            while font.getlength(text) < (x1 - x0 - width * .05) * share * .75:
                text += ' ' + ''.join(rng.choice('aeiounrstlmdcp') for _ in range(rng.randint(2, 8)))
            canvas.draw.text((left, y), text.strip(), font=font, fill=muted)
        y += step


def _draw_chart(canvas, chart, rng, colours, x0, x1):
    height = canvas.height
    foreground, background = colours
    y0, y1 = height * rng.uniform(.29, .34), height * rng.uniform(.86, .93)
    palette = [_jitter(rng, COLOURS[c]) for c in rng.sample(['red', 'orange', 'yellow', 'green', 'blue', 'purple'], 6)]
    if chart == 'none':
        return
    canvas.draw_label.rectangle((x0, y0, x1, y1), fill=LABEL_CHART + CHARTS.index(chart) - 1)
    if chart == 'pie':
        radius = min(x1 - x0, y1 - y0) * .48
        cx, cy, count = (x0 + x1) / 2, (y0 + y1) / 2, rng.randint(3, 6)
        shares = [rng.uniform(.5, 1.5) for _ in range(count)]
        angle = rng.uniform(0, 360)
        for i, share in enumerate(shares):
            end = angle + 360 * share / sum(shares)
            canvas.draw.pieslice((cx - radius, cy - radius, cx + radius, cy + radius), angle, end,
                                 fill=palette[i], outline=background)
            angle = end
        return
    axis = max(2, round(canvas.width / 480))
    canvas.draw.line((x0, y0, x0, y1), fill=foreground, width=axis)
    canvas.draw.line((x0, y1, x1, y1), fill=foreground, width=axis)
    count = rng.randint(3, 6) if chart == 'bar' else rng.randint(4, 8)
    values = [rng.uniform(.2, .95) for _ in range(count)]
    if chart == 'bar':
        one_colour, step = rng.random() < .6, (x1 - x0) / count
        for i, value in enumerate(values):
            canvas.draw.rectangle((x0 + step * (i + .2), y1 - (y1 - y0) * value, x0 + step * (i + .85), y1 - 1),
                                  fill=palette[0 if one_colour else i])
        return
    points = [(x0 + (x1 - x0) * (i + .3) / count, y1 - (y1 - y0) * v) for i, v in enumerate(values)]
    thick = canvas.width / 640
    canvas.draw.line(points, fill=palette[0], width=max(3, round(rng.randint(3, 5) * rng.choice([1, thick]))))
    if rng.random() < .5:
        dot = 5 * rng.choice([1, thick])
        for x, y in points:
            canvas.draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=palette[0])


def _draw_slide(spec, rng, size):
    width, height = size
    dark = rng.random() < .3
    background = _jitter(rng, (28, 34, 52), 14) if dark else _jitter(rng, (246, 246, 248), 9)
    ink = (238, 238, 242) if dark else rng.choice([(20, 20, 25), (20, 40, 100), (90, 20, 30)])
    foreground = _jitter(rng, ink, 12)
    canvas = _Canvas(size, background, LABEL_SLIDE)
    if rng.random() < .3:
        bar = _jitter(rng, COLOURS[rng.choice(['red', 'orange', 'blue', 'green', 'purple'])])
        canvas.draw.rectangle((0, 0, width, height * .018), fill=bar)
    _draw_title(canvas, spec['title'], rng, foreground)
    chart_right = rng.random() < .7
    x0, x1 = (width * .06, width * .48) if chart_right else (width * .54, width * .95)
    if spec['chart'] == 'none' and rng.random() < .5:
        x0, x1 = width * .06, width * .8
    _draw_bullets(canvas, spec['bullets'], rng, (foreground, background), x0, x1)
    cx0, cx1 = (width * .54, width * .95) if chart_right else (width * .05, width * .46)
    _draw_chart(canvas, spec['chart'], rng, (foreground, background), cx0, cx1)
    return canvas


def spoil(image, rng):
    """Mild damage as from video, JPEG and another renderer: colour shifts, sub-pixel shifts, blur, sharpening,
    rescaling, chroma subsampling. About a quarter of the pictures stay untouched."""
    width, height = image.size
    unit = width / 640
    if rng.random() < .35:
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(.92, 1.07))
    if rng.random() < .25:
        image = ImageEnhance.Color(image).enhance(rng.uniform(.88, 1.12))
    if rng.random() < .25:
        gain = [rng.uniform(.97, 1.03) for _ in range(3)]
        shift = [rng.uniform(-5, 5) for _ in range(3)]
        image = image.point([max(0, min(255, round(v * gain[c] + shift[c]))) for c in range(3) for v in range(256)])
    if rng.random() < .2:
        move = (1, 0, rng.uniform(-2, 2) * unit, 0, 1, rng.uniform(-2, 2) * unit)
        image = image.transform((width, height), Image.AFFINE, move, resample=Image.BICUBIC,
                                fillcolor=image.getpixel((2, height - 3)))
    choice = rng.random()
    if choice < .2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.2, .9) * unit))
    elif choice < .35:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(.6, 1.6) * unit, rng.randint(30, 110), 0))
    if rng.random() < .15:
        factor = rng.uniform(.55, .95)
        small = image.resize((int(width * factor), int(height * factor)),
                             rng.choice([Image.BILINEAR, Image.BICUBIC, Image.LANCZOS]))
        image = small.resize((width, height), Image.BILINEAR)
    if rng.random() < .45:
        buffer = io.BytesIO()
        image.save(buffer, 'JPEG', quality=rng.randint(45, 93), subsampling=rng.choice([0, 2, 2]))
        image = Image.open(buffer).convert('RGB')
    return image


def render(spec, rng, size=None):
    """Draws a spec. Returns (picture RGB, patch labels 'L', letter labels 'L'), all of the same size in pixels."""
    size = size or rng.choice(SIZES)
    canvas = (_draw_scene if spec['kind'] == 'scene' else _draw_slide)(spec, rng, size)
    return spoil(canvas.image, rng), canvas.labels, canvas.letters
