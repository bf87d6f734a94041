"""Picture preprocessing of Phi-3.5-vision ("HD transform"): from a picture to 336 x 336 tiles.

With `num_crops` = 1 a picture becomes one tile (313 tokens); with 4 a 16:9 picture becomes a 672 x 672 canvas of four
tiles plus a global view (757 tokens).
"""
import math

import numpy as np
from PIL import Image

TILE = 336
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def hd_size(width, height, num_crops):
    """(new width, new height, padded height) of a landscape picture."""
    ratio = width / height
    scale = 1
    while scale * math.ceil(scale / ratio) <= num_crops:
        scale += 1
    new_width = (scale - 1) * TILE
    new_height = int(new_width / ratio)
    return new_width, new_height, math.ceil(new_height / TILE) * TILE


def hd_transform(image, num_crops=1):
    """Resized and white-padded RGB picture whose sides are multiples of 336."""
    portrait = image.width < image.height
    if portrait:
        image = image.transpose(Image.TRANSPOSE)
    width, height, padded = hd_size(image.width, image.height, num_crops)
    out = Image.new('RGB', (width, padded), (255, 255, 255))
    out.paste(image.resize((width, height), Image.BILINEAR), (0, (padded - height) // 2))
    return out.transpose(Image.TRANSPOSE) if portrait else out


def _cubic_matrix(size):
    """[336, size] weights of the bicubic resize with A = -0.75, half-pixel centres, clamped borders, no antialias."""
    a = -.75
    source = (np.arange(TILE) + .5) * (size / TILE) - .5
    index = np.floor(source).astype(int)
    t = source - index

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    matrix = np.zeros((TILE, size), np.float32)
    for offset, weight in ((-1, far(t + 1)), (0, near(t)), (1, near(1 - t)), (2, far(2 - t))):
        np.add.at(matrix, (np.arange(TILE), np.clip(index + offset, 0, size - 1)), weight)
    return matrix


_matrices = {}


def global_view(canvas):
    """[H, W, 3] padded picture (any float or 8-bit values) -> [336, 336, 3] float32."""
    height, width = canvas.shape[:2]
    canvas = canvas.astype(np.float32)
    if (height, width) == (TILE, TILE):
        return canvas
    for size in (height, width):
        if size not in _matrices:
            _matrices[size] = _cubic_matrix(size)
    rows = np.tensordot(_matrices[height], canvas, (1, 0))
    return np.tensordot(rows, _matrices[width], (1, 1)).transpose(0, 2, 1)


def tiles(canvas):
    """The 336 x 336 blocks of a padded picture [H, W, 3], row by row."""
    height, width = canvas.shape[:2]
    return [canvas[y:y + TILE, x:x + TILE] for y in range(0, height, TILE) for x in range(0, width, TILE)]


def normalise(pixels):
    """[H, W, 3] in 0..255 -> [3, H, W] float32 in the encoder's scale."""
    return ((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def token_count(height, width):
    """Number of image tokens of a padded picture."""
    rows, columns = height // TILE, width // TILE
    return (rows * columns + 1) * 144 + 1 + (rows + 1) * 12


def pixel_values(images, num_crops):
    """Pictures -> (pixel_values [n, 1 + most tiles, 3, 336, 336], sizes [n, 2] as (height, width), token counts)."""
    batches, sizes = [], []
    for image in images:
        canvas = np.asarray(hd_transform(image, num_crops))
        normal = (canvas.astype(np.float32) / 255 - MEAN) / STD
        views = [global_view(normal)] + tiles(normal)
        batches.append(np.stack(views).transpose(0, 3, 1, 2))
        sizes.append(canvas.shape[:2])
    out = np.zeros((len(batches), max(map(len, batches)), 3, TILE, TILE), np.float32)
    for i, batch in enumerate(batches):
        out[i, :len(batch)] = batch
    return out, np.array(sizes, np.int64), [token_count(h, w) for h, w in sizes]


def patch_grid(labels):
    """Label picture ('L', size of the source) -> [24, 24] labels of the patches at num_crops = 1 (or the global view)."""
    return _grid(_pad(labels, TILE, int(TILE / (labels.width / labels.height)), TILE))


def tile_grid(labels, column, row):
    """Like `patch_grid` for the tile at (column, row) of the 4-crop canvas of a landscape picture."""
    canvas = _pad(labels, *hd_size(labels.width, labels.height, 4))
    return _grid(canvas[row * TILE:(row + 1) * TILE, column * TILE:(column + 1) * TILE])


def _pad(labels, width, height, padded):
    out = Image.new('L', (width, padded), 0)
    out.paste(labels.resize((width, height), Image.NEAREST), (0, (padded - height) // 2))
    return np.asarray(out)


def _grid(pixels):
    return pixels[7::14, 7::14].copy()
