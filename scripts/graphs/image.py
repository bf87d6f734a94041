"""The embedding graph, and a vision graph that keeps the published one's interface and token order but hardly any weights."""
import numpy as np

from onnx_graph import BOOL, FLOAT, INT64, Graph, value

PATCH = 12  # numbers per merged patch: the mean colours of 2 x 2 squares of 14 x 14 pixels


def embed_tokens(g, table, ids):
    """Rows of the table; ids below zero are image slots and get the first row until they are overwritten."""
    return g.node('Gather', table, g.node('Max', ids, g.constant(np.int64(0))))


def scatter_features(g, embedded, ids, features, out):
    """Overwrites the rows of negative ids with the rows of the image features, in order."""
    places = g.node('Transpose', g.node('NonZero', g.node('Less', ids, g.constant(np.int64(0)))), perm=[1, 0])
    count = g.node('Slice', g.node('Shape', places), g.ints(0), g.ints(1))
    rows = g.node('Slice', features, g.ints(0), count)
    return g.node('ScatterND', embedded, places, rows, out=out)


def embedding_interface(kind, hidden):
    shape = ['batch', 'sequence']
    return ([value('input_ids', INT64, shape), value('image_features', kind, ['image_tokens', hidden])],
            [value('inputs_embeds', kind, [*shape, hidden])])


def write_embedding(path, table, *, kind, data_name=None):
    """input_ids [1, T] (negative = image slot), image_features [tokens, hidden] -> inputs_embeds [1, T, hidden]"""
    g = Graph(kind=kind)
    embedded = embed_tokens(g, g.weight(table, 'embed_tokens'), 'input_ids')
    scatter_features(g, embedded, 'input_ids', 'image_features', 'inputs_embeds')
    g.save('embedding', *embedding_interface(kind, table.shape[1]), path, data_name)


def write_vision(path, projection, tile_end, image_end, *, kind):
    """pixel_values [n, crops, 3, 336, 336], image_sizes [n, 2] (height, width) -> image_features [tokens, hidden]

    Per image: its tiles row by row, each row with a separator at its end; one separator; the global view with its own.
    `projection` is [PATCH, hidden], the separators are [PATCH].
    """
    g = Graph()
    zero, one, two = g.ints(0), g.ints(1), g.ints(2)
    pixels = g.node('Reshape', g.node('Cast', 'pixel_values', to=FLOAT), g.ints(-1, 3, 336, 336))
    x = g.node('AveragePool', pixels, kernel_shape=[14, 14], strides=[14, 14])
    x = g.node('Reshape', x, g.ints(-1, 3, 12, 2, 12, 2))
    x = g.node('Transpose', x, perm=[0, 2, 4, 3, 5, 1])
    shape = g.node('Shape', 'pixel_values')
    g.node('Reshape', x, g.node('Concat', g.node('Slice', shape, zero, two), g.ints(12, 12, PATCH), axis=0), out='merged')
    g.constant(tile_end.astype(np.float32)[None, None], 'tile_end')
    g.constant(image_end.astype(np.float32)[None], 'image_end')
    g.node('Div', 'image_sizes', g.ints(336), out='grid')
    count = g.node('Squeeze', g.node('Slice', shape, zero, one), zero)
    rows = g.node('Loop', count, g.constant(np.array(True)), g.constant(np.zeros((0, PATCH), np.float32)),
                  body=_rows_of_one_image())
    projected = g.node('MatMul', g.node('Reshape', rows, g.ints(-1, PATCH)), g.weight(projection, 'projection'))
    g.node('Cast', g.node('Tanh', projected), out='image_features', to=kind)
    g.save('vision', [value('pixel_values', kind, ['images', 'crops', 3, 'height', 'width']),
                      value('image_sizes', INT64, ['images', 2])],
           [value('image_features', kind, ['image_tokens', projection.shape[1]])], path)


def _rows_of_one_image():
    """Loop body: merged patches of one image -> its rows in the order above."""
    b = Graph('image_')
    zero, one, twelve, width = b.ints(0), b.ints(1), b.ints(12), b.ints(PATCH)
    view, flat = b.ints(12, 12, PATCH), b.ints(-1, PATCH)
    b.node('Identity', 'cond_in', out='cond_out')
    views = b.node('Gather', 'merged', 'iteration', axis=0)
    size = b.node('Gather', 'grid', 'iteration', axis=0)
    rows, columns = b.node('Slice', size, zero, one), b.node('Slice', size, one, b.ints(2))
    last = b.node('Add', b.node('Mul', rows, columns), one)

    def with_ends(block, height):
        ends = b.node('Expand', 'tile_end', b.node('Concat', height, one, width, axis=0))
        return b.node('Reshape', b.node('Concat', block, ends, axis=1), flat)

    whole = b.node('Reshape', b.node('Slice', views, zero, one), view)
    tiles = b.node('Reshape', b.node('Slice', views, one, last), b.node('Concat', rows, columns, view, axis=0))
    tiles = b.node('Transpose', tiles, perm=[0, 2, 1, 3, 4])
    high, wide = b.node('Mul', rows, twelve), b.node('Mul', columns, twelve)
    tiles = b.node('Reshape', tiles, b.node('Concat', high, wide, width, axis=0))
    b.node('Concat', 'rows_in', with_ends(tiles, high), 'image_end', with_ends(whole, twelve), axis=0, out='rows_out')
    return b.body('rows_of_one_image',
                  [value('iteration', INT64, []), value('cond_in', BOOL, []), value('rows_in', FLOAT, None)],
                  [value('cond_out', BOOL, []), value('rows_out', FLOAT, None)])
